package io.trackback.gocd;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The text of an answer, of no more bytes than it may have: a wrong URL must not fill GoCD's memory. */
final class LimitedBody extends ReceivedBody {
    /** An answer larger than any of ours. */
    static final class TooLong extends IOException {
        private static final long serialVersionUID = 1L;

        TooLong(int limitBytes) {
            super("it has more than " + Bytes.shown(limitBytes));
        }
    }

    private final int limitBytes;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    LimitedBody(int limitBytes) {
        this.limitBytes = limitBytes;
    }

    @Override
    void take(ByteBuffer piece) throws TooLong {
        byte[] chunk = new byte[piece.remaining()];
        piece.get(chunk);
        if (chunk.length > limitBytes - bytes.size()) {
            throw new TooLong(limitBytes);
        }
        bytes.write(chunk, 0, chunk.length);
    }

    @Override
    String whole() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
