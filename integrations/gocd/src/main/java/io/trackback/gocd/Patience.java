package io.trackback.gocd;

import java.time.Duration;

/** How long to wait for a server, and how often to try again. */
final class Patience {
    /** For whoever holds up GoCD's server while waiting: a poll keeps one of its few material threads, a check a person. */
    static final Patience OF_SERVER = new Patience(
            Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(60), 5, Duration.ofSeconds(1));

    /** For a job, whose files the server may have to look for in somebody's bucket, and which should outlive a restart. */
    static final Patience OF_JOB = new Patience(
            Duration.ofSeconds(5), Duration.ofMinutes(5), Duration.ofSeconds(60), 6, Duration.ofSeconds(1));

    final Duration connect;

    /** For a whole answer to a question. */
    final Duration answer;

    /** For a file: how long nothing may move, however long the whole takes. */
    final Duration stall;

    /** How often a job tries in a row. */
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
