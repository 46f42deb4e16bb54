package io.trackback.gocd;

import java.util.function.LongSupplier;

/** Tries again, after longer and longer pauses, what may succeed a little later. */
final class Retries {
    interface Attempt {
        void run() throws Failure;
    }

    private final Patience patience;
    private final Console console;

    Retries(Patience patience, Console console) {
        this.patience = patience;
        this.console = console;
    }

    /**
     * Run the attempt until it succeeds, fails in a way that lasts, or has failed as often in a row as patience allows.
     *
     * <p>movedBytes: how far the attempts have come; one that came further than all before starts the count anew.
     */
    void run(String what, LongSupplier movedBytes, Attempt attempt) throws Failure {
        int failures = 0;
        long movedThen = movedBytes.getAsLong();
        while (true) {
            try {
                attempt.run();
                return;
            } catch (ServerFailure e) {
                long moved = movedBytes.getAsLong();
                failures = moved > movedThen ? 1 : failures + 1;
                movedThen = Math.max(moved, movedThen);
                if (!e.isPassing() || failures >= patience.attempts) {
                    throw e;
                }
                pause(what, failures, e);
            }
        }
    }

    private void pause(String what, int failures, ServerFailure why) throws ServerFailure {
        long pauseMs = patience.pauseAfter(failures).toMillis();
        console.print(what + ": " + why.getMessage() + "; trying again in " + (pauseMs + 500) / 1000 + " s");
        try {
            Thread.sleep(pauseMs);
        } catch (InterruptedException e) {
            throw TrackbackServer.interrupted(e);
        }
    }
}
