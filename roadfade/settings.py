"""Every setting, from the environment (``ROADFADE_…``) or ``roadfade.toml``.

Settings may shorten what the policy keeps, and make deletion finer; none can lengthen it.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from roadfade.gateway_settings import GatewaySettings
from roadfade.kafka_settings import KafkaSettings
from roadfade.key_settings import KeySettings
from telemetry.instants import Grain


class Settings(KafkaSettings, KeySettings, GatewaySettings, BaseSettings):
    """The defaults are those of the embedded profile: one machine, one folder."""

    model_config = SettingsConfigDict(
        env_prefix="ROADFADE_",
        toml_file="roadfade.toml",
        extra="forbid",
        frozen=True,
        populate_by_name=True,
    )

    topic_prefix: str = ""
    """Put before every topic and group: several Roadfades on one broker."""
    partitions: int = Field(default=4, ge=1, le=1000)
    """Partitions of every topic that is created; existing topics keep theirs."""
    replication: int = Field(default=1, ge=1, le=5)
    """Replicas of every topic that is created."""

    state_dir: Path = Path(".state")
    """Office database, keyring, lake, member slots and ledger live below it."""
    policy: Path | None = None
    """A policy document's folder; the shipped one if none is named."""
    grain_at_most: Grain | None = None
    """Expiries are dated at least this finely; never coarser than compiled."""
    topic_retention_s_at_most: int | None = Field(default=None, ge=10)
    """Topics delete after at most this many seconds; never later than compiled."""

    late_s: int = Field(default=600, ge=1, le=86_400)
    """So late, by the raw topic's own time, a reading is still thinned with those beside it."""
    bins_max: int = Field(default=1_000_000, ge=1_000)
    """Bins that a worker's rules over time remember at most; beyond, new ones count as used."""

    raw_allow_unsealed: bool = False
    """Take plain envelopes, too, from the raw topic: they are readable there for as long as they
    lie, and in copies of its files."""
    content_keys_kept_max: int = Field(default=10_000, ge=1)
    """Content keys of sealed envelopes that a worker keeps at most, some 300 bytes each; each front
    door makes a new one every hour."""
    fixed_now_ms: int | None = None
    """Judge every record at this instant: for replaying a run exactly, nothing else."""
    view_age_s_max: int = Field(default=30, ge=1)
    """Older control views pause the worker, and the sink."""
    records_per_fetch_max: int = Field(default=2_000, ge=1)
    """Raw records taken from Kafka at once by a worker."""
    fetch_wait_ms: int = Field(default=50, ge=1, le=500)
    """How long raw records may wait at the broker for others, so that few cost little."""
    device_answers_kept_max: int = Field(default=200_000, ge=1)
    """Devices about which a worker keeps what it decided; the one asked about longest ago goes."""
    unpacked_mib_max: int = Field(default=16, ge=2, le=1_024)
    """What one batch of records may become when it is unpacked; twice that, all of a fetch."""
    replay_held_mib_max: int = Field(default=256, ge=0, le=65_536)
    """Memory that a replayed capture's frames may take; a larger capture is read twice."""
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    """Port of /metrics; 0 picks a free one, written to the state folder."""
    metrics_host: str = "127.0.0.1"
    """Address of /metrics."""

    log_format: Literal["auto", "console", "json"] = "auto"
    """Form of a process's log; auto: words if standard error is a terminal, else JSON."""
    log_repeats_max: int = Field(default=5, ge=1, le=1_000)
    """Lines of one kind that a process logs in a minute; more are counted, and the last is said."""

    store: Literal["lake", "postgres"] = "lake"
    """Where sinks keep rows: Parquet files in the state folder, or PostgreSQL."""
    postgres_dsn: SecretStr | None = None
    """How PostgreSQL is reached, with the password; never shown."""
    postgres_schema: str = Field(default="roadfade", pattern=r"^[a-z][a-z0-9_]{0,29}$")
    """Schema of the store's own there; its readers' roles begin with it, too."""
    postgres_buckets: int = Field(default=4, ge=1, le=16)
    """Buckets of partitions made from now on; at least ten subjects should share one."""
    lake_buckets: int = Field(default=4, ge=1, le=256)
    """Buckets per expiry partition; at least ten subjects should share one."""
    lake_compression: Literal["zstd", "uncompressed"] = "zstd"
    """Parquet compression; uncompressed lets a byte search find planted marks."""
    lake_duplicates_window: int = Field(default=50_000, ge=1_000)
    """Record ids remembered per topic partition to drop a worker's duplicates."""
    sink_batch_s: float = Field(default=5.0, gt=0, le=10)
    """How long a sink gathers records of all its topics before it closes a checkpoint."""
    erase_commands_max: int = Field(default=10_000, ge=1)
    """Living commands of erasure that a sink holds of each output; with more it writes nothing."""
    erase_reserve_mb: int = Field(default=256, ge=0, le=1_000_000)
    """Megabytes that the sink of a lake keeps taken, and gives up for an erasure that finds the
    disk full; 0: none. An erasure of one bucket needs as much as its largest part has."""
    reported_events_max: int = Field(default=1_000_000, ge=1)
    """Ids of events from their topic that the office remembers. With so many, new events are
    refused (`too many`) until old ids end: after ``replay_days`` and four days more."""
    hold_folder: Path | None = None
    """Where sinks keep the sealed copies of legal holds; `holds` in the state folder if none is
    named."""
    hold_rows_max: int = Field(default=1_000_000, ge=1)
    """Rows that a store copies for one output of a legal hold; more wait, and so do erasures of
    them. Knowing which are copied takes some hundred bytes of memory for each while it copies."""
    hold_review_days_max: int = Field(default=90, ge=1, le=90)
    """How far ahead the review of a legal hold may lie."""
    consent_evidence_rows_max: int = Field(default=1_000_000, ge=1)
    """Rows of evidence of consents, of some 400 bytes each; at that many no consent leaves the
    register, and erasures of whole persons wait, until this is raised or rows end."""
    topic_ids_every_s: float = Field(default=10.0, gt=0, le=600)
    """How often a sink asks, while nothing comes, whether its topics are those it began with."""
    sweep_every_s: float = Field(default=60.0, gt=0)
    """How often the retention sweep runs."""
    replay_days: int = Field(default=42, ge=0, le=400)
    """How far back anything is read again or restored. Stores refuse what was erased for so long,
    and for as long as it may still be on its way."""
    backup_dir: Path | None = None
    """Where backups lie that the sweep ends by their date; `backup create` needs none of this."""
    backup_keys_dir: Path | None = None
    """Where their keys lie: never in, above or beside that folder."""
    backup_keep_days: int = Field(default=35, ge=1, le=400)
    """After so many days a backup ends, but never after ``replay_days``."""
    clock_dispute_s_max: float = Field(default=3_600.0, ge=0, le=3_600)
    """No longer do other clocks delay what is due by the own clock; at most an hour."""
    collection_list_hours: int = Field(default=24, ge=1, le=168)
    """For how long a device may go by a collection list; a new one is made in half that time."""
    heartbeat_every_s: float = Field(default=5.0, gt=0, le=20)
    """How often the office proves on the control topics that it lives, and each process says so."""

    @model_validator(mode="after")
    def _a_fixed_now_stands_apart(self) -> Self:
        if self.fixed_now_ms is not None and not self.topic_prefix:
            msg = "judges every record at one instant: give the run a topic_prefix of its own"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _postgres_is_reached_somehow(self) -> Self:
        if self.store == "postgres" and self.postgres_dsn is None:
            msg = "store is postgres, so postgres_dsn has to say how it is reached"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _backups_have_both_places(self) -> Self:
        if (self.backup_dir is None) != (self.backup_keys_dir is None):
            msg = "backup_dir and backup_keys_dir name the two places of backups: give both"
            raise ValueError(msg)
        return self

    @property
    def lake_dir(self) -> Path:
        """Where the Parquet lake is."""
        return self.state_dir / "lake"

    @property
    def hold_dir(self) -> Path:
        """Where the sealed copies of legal holds are."""
        return self.hold_folder or self.state_dir / "holds"

    @property
    def slots_dir(self) -> Path:
        """Where processes lock their member ids."""
        return self.state_dir / "slots"

    @property
    def ports_dir(self) -> Path:
        """Where processes write the ports of their metrics."""
        return self.state_dir / "ports"

    @property
    def ledger_path(self) -> Path:
        """The ledger's SQLite file."""
        return self.state_dir / "ledger.sqlite"

    @property
    def office_path(self) -> Path:
        """The office's SQLite file."""
        return self.state_dir / "office.sqlite"

    @property
    def keyring_path(self) -> Path:
        """The keyring's SQLite file."""
        return self.state_dir / "keyring.sqlite"

    @property
    def raw_keys_path(self) -> Path:
        """The keyring of sealed raw data; in no backup."""
        return self.state_dir / "raw-keys.sqlite"

    @property
    def raw_kek_file(self) -> Path:
        """The key-encryption key of that keyring, always a file; in no backup either."""
        return (self.kek_dir or self.state_dir) / "raw-kek"

    @property
    def suppressions_path(self) -> Path:
        """What was removed and may not come back from a backup, by keyed hashes."""
        return self.state_dir / "suppressions.sqlite"

    @property
    def consent_evidence_path(self) -> Path:
        """Evidence of consents that left the register, for officers; it names nobody."""
        return self.state_dir / "consent_evidence.sqlite"

    @property
    def restoring_dir(self) -> Path:
        """What a restore has not put in its place yet; no process starts beside it."""
        return self.state_dir / "_restoring"

    @property
    def rebuilding_dir(self) -> Path:
        """An office that is made from its topics and not in its place yet; as above."""
        return self.state_dir / "_rebuilding"

    def lost_office_path(self, when: str) -> Path:
        """What a rebuild calls an office that it moves aside, by when it did; ``*``: any."""
        return self.office_path.with_name(f"{self.office_path.name}.lost-{when}")

    @property
    def routing_key_path(self) -> Path:
        """By which each device keeps its raw partition."""
        return self.state_dir / "routing-key"

    @property
    def raw_partitions_path(self) -> Path:
        """How many raw partitions there were at first."""
        return self.state_dir / "raw-partitions"

    @property
    def kek_file(self) -> Path:
        """The key encryption key, of source file; wrapped, of source vault."""
        return (self.kek_dir or self.state_dir) / "kek"

    @property
    def ca_dir(self) -> Path:
        """Where the authority that signs for devices is."""
        return self.device_ca_dir or self.state_dir / "device-ca"

    @property
    def ca_file(self) -> Path:
        """The authority's certificate."""
        return self.ca_dir / "ca.pem"

    @property
    def crl_path(self) -> Path:
        """The list of revoked certificates."""
        return self.device_crl_file or self.state_dir / "device-crl.pem"

    @property
    def receipt_key_file(self) -> Path:
        """The key that signs receipts of erasures."""
        return self.state_dir / "receipt-key"

    @property
    def collection_key_file(self) -> Path:
        """The key that signs collection lists."""
        return self.state_dir / "collection-keys"

    @property
    def receipt_heads_dir(self) -> Path:
        """Each day's head of the chain of receipts, one file a day."""
        return self.state_dir / "receipt_heads"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then roadfade.toml."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
