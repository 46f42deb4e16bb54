package io.trackback.gocd;

import java.util.function.LongSupplier;

/** Tries again, after longer and longer pauses, what may succeed a little later. */
final class Retries {
    interface Attempt<T> {
        T run() throws Failure;
    }

    private final Patience patience;
    private final Console console;

    Retries(Patience patience, Console console) {
        this.patience = patience;
        this.console = console;
    }

    /**
     * Make attempts until one succeeds, fails in a way that lasts, or as many have failed in a row as patience allows.
     *
     * <p>movedBytes: how far the attempts have come; one that came further than all before starts the count anew.
     */
    <T> T run(String what, LongSupplier movedBytes, Attempt<T> attempt) throws Failure {
        int failures = 0;
        long movedThen = movedBytes.getAsLong();
        while (true) {
            try {
                return attempt.run();
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

    /** As above, for what moves no files. */
    <T> T run(String what, Attempt<T> attempt) throws Failure {
        return run(what, () -> 0, attempt);
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
