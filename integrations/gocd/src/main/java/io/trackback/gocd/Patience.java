package io.trackback.gocd;

import java.time.Duration;

/** How long to wait for a server, and how often to try again. */
final class Patience {
    /**
     * For whoever holds up GoCD while waiting: a poll keeps one of its few material threads, a check a person.
     *
     * <p>For files: a transfer ends when nothing has moved for {@code stall}, however long the whole takes.
     */
    static final Patience USUAL = new Patience(
            Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(60), 5, Duration.ofSeconds(1));

    final Duration connect;
    final Duration answer;
    final Duration stall;
    final int attempts;
    final Duration firstPause;

    Patience(Duration connect, Duration answer, Duration stall, int attempts, Duration firstPause) {
        this.connect = connect;
        this.answer = answer;
        this.stall = stall;
        this.attempts = attempts;
        this.firstPause = firstPause;
    }

    /** The pause after so many failures in a row: doubled each time, half a minute at most. */
    Duration pauseAfter(int failures) {
        Duration pause = firstPause.multipliedBy(1L << Math.min(failures - 1, 10));
        Duration longest = Duration.ofSeconds(30);
        return pause.compareTo(longest) < 0 ? pause : longest;
    }
}
