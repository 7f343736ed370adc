package bench;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Pseudonyms and headers of one purpose, made once and kept. For one thread. */
final class Purpose {
  private static final String BASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final int PSEUDONYM_BYTES = 16;

  final String topic;
  private final Task task;
  private final Task.PurposeTerms terms;
  private final byte[] id;
  private final Map<String, String> pseudonyms = new HashMap<>();
  private final Map<String, byte[]> ends = new HashMap<>();

  Purpose(Task task, String id) {
    this.task = task;
    this.terms = task.purposes().get(id);
    this.id = bytes(id);
    this.topic = terms.topic();
  }

  String pseudonym(String device) {
    return pseudonyms.computeIfAbsent(device, this::made);
  }

  /** Four headers; Roadfade's own records have up to eleven. */
  Headers headers(String t0) {
    RecordHeaders headers = new RecordHeaders();
    headers.add("purpose", id);
    headers.add("basis", bytes(terms.basis()));
    headers.add("policy_version", bytes(task.policy_version()));
    headers.add("expires_at", ends.computeIfAbsent(t0.substring(0, 10), this::end));
    return headers;
  }

  private byte[] end(String day) {
    return bytes(LocalDate.parse(day).plusDays(terms.retain_days()) + "T00:00:00Z");
  }

  private String made(String device) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(HexFormat.of().parseHex(terms.key()), "HmacSHA256"));
      String secret = task.drivers().get(device).secret();
      return base32(mac.doFinal(HexFormat.of().parseHex(secret)));
    } catch (GeneralSecurityException failure) {
      throw new IllegalStateException(failure);
    }
  }

  private static String base32(byte[] mac) {
    StringBuilder text = new StringBuilder();
    int held = 0;
    int bits = 0;
    for (int at = 0; at < PSEUDONYM_BYTES; at++) {
      held = held << 8 | mac[at] & 0xff;
      for (bits += 8; bits >= 5; bits -= 5) {
        text.append(BASE_32.charAt(held >> bits - 5 & 31));
      }
      held &= (1 << bits) - 1;
    }
    if (bits > 0) {
      text.append(BASE_32.charAt(held << 5 - bits & 31));
    }
    return text.toString();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
