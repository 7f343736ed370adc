"""Who is registered, who drives what when, who agreed to what: intervals, never last states."""
