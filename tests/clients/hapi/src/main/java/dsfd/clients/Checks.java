package dsfd.clients;

import java.util.Objects;

/** Assertions and the runner of named cases, so that the test needs no framework. */
final class Checks {
  interface Case {
    void run() throws Exception;
  }

  private int passed;
  private int failed;

  void run(String name, Case test) {
    try {
      test.run();
      ++passed;
    } catch (Exception | AssertionError e) {
      ++failed;
      StackTraceElement[] at = e.getStackTrace();
      System.out.println("failed: " + name + ": " + e);
      for (StackTraceElement element : at) {
        if (element.getClassName().startsWith("dsfd.")) System.out.println("    at " + element);
      }
    }
  }

  int end() {
    System.out.printf("%d passed, %d failed, 0 skipped%n", passed, failed);
    return failed == 0 ? 0 : 1;
  }

  static void same(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
  }

  static void holds(boolean condition, String what) {
    if (!condition) throw new AssertionError(what);
  }

  static <E extends Exception> E refused(Class<E> with, Case test) throws Exception {
    try {
      test.run();
    } catch (Exception e) {
      if (with.isInstance(e)) return with.cast(e);
      throw e;
    }
    throw new AssertionError("was accepted, and should have been refused with " + with.getSimpleName());
  }
}
