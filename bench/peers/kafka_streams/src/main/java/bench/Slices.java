package bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** One envelope at a time: where its parts stand in its bytes, and numbers only where needed. */
final class Slices {
  private static final int USUAL_INSTANT = "2026-08-22T10:15:30.120Z".length();
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

  /** One column; it is used again for the next envelope. */
  static final class Column {
    final String path;
    final boolean numbersNeeded;
    int unitBegin;
    int unitEnd;
    int valueBegin;
    int valueEnd;
    int rows;
    double[] value = new double[64];
    int timesBegin;
    int timesEnd;
    int times;
    long[] dt = new long[64];

    Column(String path, boolean numbersNeeded) {
      this.path = path;
      this.numbersNeeded = numbersNeeded;
    }
  }

  final Column speed = new Column(Natural.SPEED, true);
  final Column rpm = new Column(Natural.RPM, true);
  final Column fuel = new Column(Natural.FUEL, true);
  final Column latitude = new Column(Natural.LATITUDE, true);
  final Column longitude = new Column(Natural.LONGITUDE, true);
  final Column battery = new Column(Natural.BATTERY, false);
  byte[] bytes;
  String device;
  String t0;
  long t0Ms;
  private final Column[] columns = {speed, rpm, fuel, latitude, longitude, battery};
  private final Map<String, Long> days = new HashMap<>();

  void read(byte[] envelope) throws IOException {
    bytes = envelope;
    try (JsonParser parser = JSON.createParser(envelope)) {
      parser.nextToken();
      String name;
      while ((name = parser.nextFieldName()) != null) {
        switch (name) {
          case "device" -> device = parser.nextTextValue();
          case "clock" -> readClock(parser);
          case "series" -> readSeries(parser);
          default -> skip(parser);
        }
      }
    }
    t0Ms = instantMs(t0);
  }

  /** Whether two columns were written with the same times. */
  boolean sameTimes(Column one, Column other) {
    return Arrays.equals(
        bytes, one.timesBegin, one.timesEnd, bytes, other.timesBegin, other.timesEnd);
  }

  private void readClock(JsonParser parser) throws IOException {
    parser.nextToken();
    String name;
    while ((name = parser.nextFieldName()) != null) {
      if (name.equals("t0")) {
        t0 = parser.nextTextValue();
      } else {
        skip(parser);
      }
    }
  }

  private void readSeries(JsonParser parser) throws IOException {
    parser.nextToken();
    String path;
    Column before = null;
    while ((path = parser.nextFieldName()) != null) {
      Column column = columnOf(path);
      if (column == null) {
        skip(parser);
      } else {
        readColumn(parser, column, before);
        before = column;
      }
    }
  }

  private Column columnOf(String path) {
    for (Column column : columns) {
      if (column.path.equals(path)) {
        return column;
      }
    }
    return null;
  }

  private void readColumn(JsonParser parser, Column column, Column before) throws IOException {
    parser.nextToken();
    String name;
    while ((name = parser.nextFieldName()) != null) {
      parser.nextToken();
      int begin = (int) parser.currentTokenLocation().getByteOffset();
      switch (name) {
        case "unit" -> {
          parser.finishToken();
          column.unitBegin = begin;
          column.unitEnd = end(parser);
        }
        case "dt" -> {
          parser.skipChildren();
          column.timesBegin = begin;
          column.timesEnd = end(parser);
          readTimes(column, before);
        }
        case "value" -> {
          readValues(parser, column);
          column.valueBegin = begin;
          column.valueEnd = end(parser);
        }
        default -> parser.skipChildren();
      }
    }
  }

  private static void readValues(JsonParser parser, Column column) throws IOException {
    column.rows = 0;
    if (!column.numbersNeeded) {
      parser.skipChildren();
      return;
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (column.rows == column.value.length) {
        column.value = Arrays.copyOf(column.value, 2 * column.rows);
      }
      column.value[column.rows++] = parser.getDoubleValue();
    }
  }

  private void readTimes(Column column, Column before) {
    if (before != null && sameTimes(before, column)) {
      if (column.dt.length < before.times) {
        column.dt = new long[before.dt.length];
      }
      System.arraycopy(before.dt, 0, column.dt, 0, before.times);
      column.times = before.times;
      return;
    }
    column.times = 0;
    for (int at = column.timesBegin + 1; at < column.timesEnd; at++) {
      boolean negative = bytes[at] == '-';
      at += negative ? 1 : 0;
      long number = 0;
      int digits = 0;
      for (; bytes[at] >= '0' && bytes[at] <= '9'; at++) {
        number = number * 10 + bytes[at] - '0';
        digits++;
      }
      if (digits > 0) {
        if (column.times == column.dt.length) {
          column.dt = Arrays.copyOf(column.dt, 2 * column.times);
        }
        column.dt[column.times++] = negative ? -number : number;
      }
    }
  }

  private long instantMs(String text) {
    if (text.length() != USUAL_INSTANT) {
      return Instant.parse(text).toEpochMilli();
    }
    long day = days.computeIfAbsent(text.substring(0, 10), d -> LocalDate.parse(d).toEpochDay());
    long seconds = ((day * 24 + two(text, 11)) * 60 + two(text, 14)) * 60 + two(text, 17);
    return seconds * 1000 + (text.charAt(20) - '0') * 100 + two(text, 21);
  }

  private static int two(String text, int at) {
    return (text.charAt(at) - '0') * 10 + text.charAt(at + 1) - '0';
  }

  private static int end(JsonParser parser) {
    return (int) parser.currentLocation().getByteOffset();
  }

  private static void skip(JsonParser parser) throws IOException {
    parser.nextToken();
    parser.skipChildren();
  }
}
