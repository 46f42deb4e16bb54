package io.trackback.gocd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.atomic.AtomicLong;

/** The body of an answer, written to a file as it comes; never more of it than the file is to have. */
final class FileBody extends ReceivedBody {
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

    /** written: how many bytes the file has, where the first byte of this body goes; kept up to date. */
    FileBody(FileChannel file, long size, AtomicLong written) {
        this.file = file;
        this.size = size;
        this.written = written;
    }

    @Override
    void take(ByteBuffer piece) throws IOException {
        if (written.get() + piece.remaining() > size) {
            throw new TooLong(size);
        }
        while (piece.hasRemaining()) {
            written.addAndGet(write(piece));
        }
    }

    private int write(ByteBuffer piece) throws WriteFailed {
        try {
            return file.write(piece, written.get());
        } catch (IOException e) {
            throw new WriteFailed(e);
        }
    }

    /** The bytes are in the file. */
    @Override
    String whole() {
        return "";
    }
}
