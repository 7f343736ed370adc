package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** The fixed job tuned by hand: one processor, bytes in and out, untouched parts copied as they are. */
public final class Tuned {
  private static final byte[] BEGIN = Purpose.bytes("{\"v\":1,\"pseudonym\":\"");
  private static final byte[] T0 = Purpose.bytes("\",\"t0\":\"");
  private static final byte[] SERIES = Purpose.bytes("\",\"series\":{");
  private static final byte[] UNIT = Purpose.bytes("{\"unit\":");
  private static final byte[] DT = Purpose.bytes(",\"dt\":[");
  private static final byte[] VALUE = Purpose.bytes("],\"value\":");
  private static final byte[] END = Purpose.bytes("}}");
  private static final int DAY_S = 86_400;

  /** Writes one value of a column. */
  private interface Treat {
    void write(Text out, double value);
  }

  private static final class Job extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
    private final Task task;
    private final Purpose a;
    private final Purpose b;
    private final Purpose c;
    private final Slices in = new Slices();
    private final Text out = new Text();
    private final Text times = new Text();
    private byte[] timesText;
    private Slices.Column timesOf;
    private long floorMs;
    private long startMs;
    private int every;
    private boolean first;

    Job(Task task) {
      this.task = task;
      this.a = task.purpose("a");
      this.b = task.purpose("b");
      this.c = task.purpose("c");
    }

    @Override
    public void process(Record<byte[], byte[]> raw) {
      try {
        in.read(raw.value());
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
      begin(a, 1_000, 1);
      same(in.speed);
      same(in.rpm);
      column(in.fuel, (text, x) -> text.put((long) Math.floor(x / 5 + 0.5) * 5));
      send(raw, a);
      begin(b, 900_000, 2);
      column(in.speed, (text, x) -> text.put((long) Math.floor(x / 10) * 10));
      column(in.latitude, (text, x) -> text.putHundredths((long) Math.floor(x * 100 + 0.5)));
      column(in.longitude, (text, x) -> text.putHundredths((long) Math.floor(x * 100 + 0.5)));
      send(raw, b);
      if (task.agreed(in.device)) {
        begin(c, 60_000, 1);
        same(in.battery);
        column(in.rpm, (text, x) -> text.put((long) Math.floor(x / 100 + 0.5) * 100));
        send(raw, c);
      }
    }

    private void begin(Purpose purpose, long floor, int nth) {
      floorMs = floor;
      every = nth;
      startMs = in.t0Ms - in.t0Ms % floor;
      timesOf = null;
      first = true;
      out.clear();
      out.put(BEGIN).put(purpose.pseudonym(in.device)).put(T0);
      int second = (int) (startMs / 1_000 % DAY_S);
      out.put(in.t0.substring(0, 11)).putTwo(second / 3_600).put(':');
      out.putTwo(second / 60 % 60).put(':').putTwo(second % 60).put('Z').put(SERIES);
    }

    private void head(Slices.Column column) {
      if (!first) {
        out.put(',');
      }
      first = false;
      out.put('"').put(column.path).put('"').put(':').put(UNIT);
      out.put(in.bytes, column.unitBegin, column.unitEnd).put(DT).put(timesText(column)).put(VALUE);
    }

    /** The floored times; columns that share theirs have them floored once. */
    private byte[] timesText(Slices.Column column) {
      if (timesOf == null || !in.sameTimes(timesOf, column)) {
        times.clear();
        for (int at = 0; at < column.times; at += every) {
          if (at > 0) {
            times.put(',');
          }
          long timeMs = in.t0Ms + column.dt[at];
          times.put(timeMs - timeMs % floorMs - startMs);
        }
        timesText = times.taken();
        timesOf = column;
      }
      return timesText;
    }

    private void same(Slices.Column column) {
      head(column);
      out.put(in.bytes, column.valueBegin, column.valueEnd).put('}');
    }

    private void column(Slices.Column column, Treat treat) {
      head(column);
      out.put('[');
      for (int at = 0; at < column.rows; at += every) {
        if (at > 0) {
          out.put(',');
        }
        treat.write(out, column.value[at]);
      }
      out.put(']').put('}');
    }

    private void send(Record<byte[], byte[]> raw, Purpose purpose) {
      byte[] key = Purpose.bytes(purpose.pseudonym(in.device));
      byte[] value = out.put(END).taken();
      context()
          .forward(
              new Record<>(key, value, raw.timestamp(), purpose.headers(in.t0)), purpose.topic);
    }
  }

  public static void main(String[] words) throws IOException {
    Task task = Task.read(words[0]);
    Topology topology = new Topology();
    ByteArraySerializer write = new ByteArraySerializer();
    ByteArrayDeserializer read = new ByteArrayDeserializer();
    topology.addSource("raw", read, read, task.raw());
    topology.addProcessor("job", () -> new Job(task), "raw");
    for (Task.PurposeTerms purpose : task.purposes().values()) {
      topology.addSink(purpose.topic(), purpose.topic(), write, write, "job");
    }
    KafkaStreams streams = new KafkaStreams(topology, task.streams());
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
