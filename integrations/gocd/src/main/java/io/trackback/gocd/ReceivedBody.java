package io.trackback.gocd;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/** The body of an answer, taken piece by piece as it comes; what can't be taken ends the exchange. */
abstract class ReceivedBody implements BodySubscriber<String> {
    private final CompletableFuture<String> body = new CompletableFuture<>();
    private Flow.Subscription subscription;

    /** Take the next piece, all of it. */
    abstract void take(ByteBuffer piece) throws IOException;

    /** What the body is known as, once all of it has come. */
    abstract String whole();

    @Override
    public final CompletionStage<String> getBody() {
        return body;
    }

    @Override
    public final void onSubscribe(Flow.Subscription given) {
        subscription = given;
        given.request(1);
    }

    @Override
    public final void onNext(List<ByteBuffer> pieces) {
        try {
            for (ByteBuffer piece : pieces) {
                take(piece);
            }
            subscription.request(1);
        } catch (IOException e) {
            subscription.cancel();
            body.completeExceptionally(e);
        }
    }

    @Override
    public final void onError(Throwable error) {
        body.completeExceptionally(error);
    }

    @Override
    public final void onComplete() {
        body.complete(whole());
    }
}
