package bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.Map;
import java.util.Properties;

/** One run, as bench/peers/task.py wrote it. */
public record Task(
    String peer,
    String job,
    String bootstrap_servers,
    String source,
    String target,
    String raw,
    String group,
    int records,
    int churn_records,
    String policy_version,
    String state_dir,
    Map<String, PurposeTerms> purposes,
    Map<String, Driver> drivers) {

  /** What a record of a purpose has to say about it. */
  public record PurposeTerms(String topic, String basis, int retain_days, String key) {}

  /** Who drives a vehicle. */
  public record Driver(String secret, boolean agreed) {}

  static Task read(String path) throws IOException {
    return new ObjectMapper().readValue(new File(path), Task.class);
  }

  Purpose purpose(String id) {
    return new Purpose(this, id);
  }

  boolean agreed(String device) {
    return drivers.get(device).agreed();
  }

  /** At least once, acks from all replicas, batches as large as the other peers make them. */
  Properties streams() {
    Properties told = new Properties();
    told.put("application.id", group);
    told.put("bootstrap.servers", bootstrap_servers);
    told.put("num.stream.threads", "1");
    told.put("processing.guarantee", "at_least_once");
    told.put("commit.interval.ms", "1000");
    told.put("state.dir", state_dir);
    told.put("auto.offset.reset", "earliest");
    told.put("producer.acks", "all");
    told.put("producer.linger.ms", "50");
    told.put("producer.batch.size", "262144");
    told.put("producer.compression.type", "none");
    told.put("producer.buffer.memory", "67108864");
    told.put("consumer.max.poll.records", "2000");
    told.put("consumer.fetch.max.bytes", "4194304");
    return told;
  }
}
