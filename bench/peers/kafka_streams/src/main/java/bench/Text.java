package bench;

import java.util.Arrays;

/** Bytes of a record's JSON, written from left to right into room that is used again. */
final class Text {
  private byte[] room = new byte[4096];
  private int length;

  void clear() {
    length = 0;
  }

  byte[] taken() {
    return Arrays.copyOf(room, length);
  }

  Text put(byte[] from) {
    return put(from, 0, from.length);
  }

  Text put(byte[] from, int begin, int end) {
    int more = end - begin;
    need(more);
    System.arraycopy(from, begin, room, length, more);
    length += more;
    return this;
  }

  Text put(char one) {
    need(1);
    room[length++] = (byte) one;
    return this;
  }

  Text put(String ascii) {
    for (int at = 0; at < ascii.length(); at++) {
      put(ascii.charAt(at));
    }
    return this;
  }

  Text put(long number) {
    need(20);
    long left = number;
    if (left < 0) {
      room[length++] = '-';
      left = -left;
    }
    int digits = 1;
    for (long over = left; over > 9; over /= 10) {
      digits++;
    }
    for (int at = length + digits - 1; at >= length; at--) {
      room[at] = (byte) ('0' + left % 10);
      left /= 10;
    }
    length += digits;
    return this;
  }

  /** A number that is given in hundredths. */
  Text putHundredths(long hundredths) {
    long left = hundredths;
    if (left < 0) {
      put('-');
      left = -left;
    }
    return put(left / 100).put('.').putTwo((int) (left % 100));
  }

  Text putTwo(int number) {
    return put((char) ('0' + number / 10)).put((char) ('0' + number % 10));
  }

  private void need(int more) {
    if (length + more > room.length) {
      room = Arrays.copyOf(room, 2 * (length + more));
    }
  }
}
