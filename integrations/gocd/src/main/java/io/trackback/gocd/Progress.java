package io.trackback.gocd;

import java.util.function.LongSupplier;

/** Tells a job's console how far a transfer of files is: what begins and ends, and between them a line now and then. */
final class Progress {
    static final long SILENCE_NS = 10_000_000_000L;

    private final Console console;
    private final String doing;
    private final int files;
    private final long totalBytes;
    private final LongSupplier clockNs;
    private int filesDone;
    private long bytesDone;
    private long lastLineNs;

    /** doing: what is done to the files, as in "fetching". */
    Progress(Console console, String doing, int files, long totalBytes, LongSupplier clockNs) {
        this.console = console;
        this.doing = doing;
        this.files = files;
        this.totalBytes = totalBytes;
        this.clockNs = clockNs;
        this.lastLineNs = clockNs.getAsLong();
    }

    /** So many bytes of the file that is on its way have been moved, of all files those before it. */
    void at(String path, long bytesOfFile) {
        if (clockNs.getAsLong() - lastLineNs >= SILENCE_NS) {
            print(doing + " " + path + ": " + Bytes.shown(bytesDone + bytesOfFile) + " of " + Bytes.shown(totalBytes)
                    + (files == 1 ? "" : ", file " + (filesDone + 1) + " of " + files));
        }
    }

    void done(long bytesOfFile) {
        filesDone++;
        bytesDone += bytesOfFile;
    }

    void print(String line) {
        lastLineNs = clockNs.getAsLong();
        console.print(line);
    }
}
