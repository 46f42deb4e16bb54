package io.trackback.gocd;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;

/** The body of an answer, written to a file as it comes; never more of it than the file is to have. */
final class FileBody implements BodySubscriber<String> {
    /** The disk's fault, not the server's: told apart, as no other attempt would help. */
    static final class WriteFailed extends IOException {
        private static final long serialVersionUID = 1L;

        WriteFailed(IOException cause) {
            super(cause.getMessage(), cause);
        }

        IOException why() {
            return (IOException) getCause();
        }
    }

    /** The file that the server sends is not the one that it has listed. */
    static final class TooLong extends IOException {
        private static final long serialVersionUID = 1L;

        TooLong(long size) {
            super("the server sends more than the " + size + " bytes that it has listed");
        }
    }

    private final FileChannel file;
    private final long size;
    private final AtomicLong written;
    private final CompletableFuture<String> body = new CompletableFuture<>();
    private Flow.Subscription subscription;

    /** written: how many bytes the file has, where the first byte of this body goes; kept up to date. */
    FileBody(FileChannel file, long size, AtomicLong written) {
        this.file = file;
        this.size = size;
        this.written = written;
    }

    @Override
    public CompletionStage<String> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        try {
            for (ByteBuffer buffer : buffers) {
                if (written.get() + buffer.remaining() > size) {
                    throw new TooLong(size);
                }
                while (buffer.hasRemaining()) {
                    written.addAndGet(write(buffer));
                }
            }
            subscription.request(1);
        } catch (IOException e) {
            subscription.cancel();
            body.completeExceptionally(e);
        }
    }

    private int write(ByteBuffer buffer) throws WriteFailed {
        try {
            return file.write(buffer, written.get());
        } catch (IOException e) {
            throw new WriteFailed(e);
        }
    }

    @Override
    public void onError(Throwable error) {
        body.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
        body.complete("");
    }
}
