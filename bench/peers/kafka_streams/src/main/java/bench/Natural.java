package bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** The fixed job as one writes it first: typed classes, Jackson, one branch a purpose. */
public final class Natural {
  static final String SPEED = "Vehicle.Speed";
  static final String RPM = "Vehicle.Powertrain.CombustionEngine.Speed";
  static final String FUEL = "Vehicle.Powertrain.FuelSystem.RelativeLevel";
  static final String LATITUDE = "Vehicle.CurrentLocation.Latitude";
  static final String LONGITUDE = "Vehicle.CurrentLocation.Longitude";
  static final String BATTERY = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current";

  /** A column of readings. */
  @JsonPropertyOrder({"unit", "dt", "value"})
  public record Column(String unit, long[] dt, double[] value) {}

  /** When an envelope began. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Clock(String t0) {}

  /** What the job reads of an envelope. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Envelope(String device, Clock clock, Map<String, Column> series) {}

  /** The value of an output. */
  @JsonPropertyOrder({"v", "pseudonym", "t0", "series"})
  public record Output(int v, String pseudonym, String t0, Map<String, Column> series) {}

  /** One purpose: how it treats columns, and how it floors times. */
  private abstract static class Branch extends ContextualProcessor<byte[], Envelope, String, Output> {
    private final Purpose purpose;
    private final long floorMs;
    private final int every;

    Branch(Purpose purpose, long floorMs, int every) {
      this.purpose = purpose;
      this.floorMs = floorMs;
      this.every = every;
    }

    abstract void treat(Treated out);

    @Override
    public void process(Record<byte[], Envelope> raw) {
      Envelope envelope = raw.value();
      Treated out = new Treated(envelope, floorMs, every);
      treat(out);
      String t0 = Instant.ofEpochMilli(out.startMs).toString();
      String key = purpose.pseudonym(envelope.device());
      Output output = new Output(1, key, t0, out.series);
      context()
          .forward(
              new Record<>(
                  key, output, raw.timestamp(), purpose.headers(envelope.clock().t0())));
    }
  }

  /** The columns of one output, put together. */
  private static final class Treated {
    final Map<String, Column> series = new LinkedHashMap<>();
    final long startMs;
    private final Envelope envelope;
    private final long t0Ms;
    private final long floorMs;
    private final int every;

    Treated(Envelope envelope, long floorMs, int every) {
      this.envelope = envelope;
      this.floorMs = floorMs;
      this.every = every;
      this.t0Ms = Instant.parse(envelope.clock().t0()).toEpochMilli();
      this.startMs = t0Ms - t0Ms % floorMs;
    }

    void column(String path, DoubleUnaryOperator treat) {
      Column in = envelope.series().get(path);
      int kept = (in.value().length + every - 1) / every;
      long[] dt = new long[kept];
      double[] value = new double[kept];
      for (int at = 0; at < kept; at++) {
        long timeMs = t0Ms + in.dt()[at * every];
        dt[at] = timeMs - timeMs % floorMs - startMs;
        value[at] = treat.applyAsDouble(in.value()[at * every]);
      }
      series.put(path, new Column(in.unit(), dt, value));
    }
  }

  private static <T> Serde<T> json(Class<T> type) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectReader reader = mapper.readerFor(type);
    ObjectWriter writer = mapper.writerFor(type);
    return Serdes.serdeFrom(
        (topic, value) -> {
          try {
            return writer.writeValueAsBytes(value);
          } catch (IOException failure) {
            throw new UncheckedIOException(failure);
          }
        },
        (topic, bytes) -> {
          try {
            return reader.readValue(bytes);
          } catch (IOException failure) {
            throw new UncheckedIOException(failure);
          }
        });
  }

  private static final class A extends Branch {
    A(Task task) {
      super(task.purpose("a"), 1_000, 1);
    }

    @Override
    void treat(Treated out) {
      out.column(SPEED, x -> x);
      out.column(RPM, x -> x);
      out.column(FUEL, x -> Math.floor(x / 5 + 0.5) * 5);
    }
  }

  private static final class B extends Branch {
    B(Task task) {
      super(task.purpose("b"), 900_000, 2);
    }

    @Override
    void treat(Treated out) {
      out.column(SPEED, x -> Math.floor(x / 10) * 10);
      out.column(LATITUDE, x -> Math.floor(x * 100 + 0.5) / 100);
      out.column(LONGITUDE, x -> Math.floor(x * 100 + 0.5) / 100);
    }
  }

  private static final class C extends Branch {
    C(Task task) {
      super(task.purpose("c"), 60_000, 1);
    }

    @Override
    void treat(Treated out) {
      out.column(BATTERY, x -> x);
      out.column(RPM, x -> Math.floor(x / 100 + 0.5) * 100);
    }
  }

  public static void main(String[] words) throws IOException {
    Task task = Task.read(words[0]);
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], Envelope> raw =
        builder.stream(task.raw(), Consumed.with(Serdes.ByteArray(), json(Envelope.class)));
    Produced<String, Output> written = Produced.with(Serdes.String(), json(Output.class));
    raw.process(() -> new A(task)).to(task.purposes().get("a").topic(), written);
    raw.process(() -> new B(task)).to(task.purposes().get("b").topic(), written);
    raw.filter((key, envelope) -> task.agreed(envelope.device()))
        .process(() -> new C(task))
        .to(task.purposes().get("c").topic(), written);
    KafkaStreams streams = new KafkaStreams(builder.build(), task.streams());
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
