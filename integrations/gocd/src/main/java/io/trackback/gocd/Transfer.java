package io.trackback.gocd;

import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** One exchange with a large body: waited for as long as bytes move, however long that is. */
final class Transfer {
    private static final long LOOK_MS = 250;

    private final TrackbackServer server;
    private final LongSupplier movedBytes;
    private final LongConsumer tell;

    /** movedBytes: how many bytes have been moved; tell: is told now and then. */
    Transfer(TrackbackServer server, LongSupplier movedBytes, LongConsumer tell) {
        this.server = server;
        this.movedBytes = movedBytes;
        this.tell = tell;
    }

    /** Wait for the exchange; what it threw is thrown as {@link ExecutionException}. */
    HttpResponse<String> await(CompletableFuture<HttpResponse<String>> exchange) throws ServerFailure, ExecutionException {
        long stallMs = server.patience().stall.toMillis();
        long movedThen = movedBytes.getAsLong();
        long since = System.nanoTime();
        while (true) {
            try {
                return exchange.get(Math.min(LOOK_MS, stallMs), TimeUnit.MILLISECONDS);
            } catch (TimeoutException stillGoing) {
                long moved = movedBytes.getAsLong();
                tell.accept(moved);
                if (moved != movedThen) {
                    movedThen = moved;
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > stallMs * 1_000_000) {
                    exchange.cancel(true);
                    throw server.diagnosis().stalled(stallMs);
                }
            } catch (InterruptedException e) {
                exchange.cancel(true);
                throw TrackbackServer.interrupted(e);
            }
        }
    }
}
