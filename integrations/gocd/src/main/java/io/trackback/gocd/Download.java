package io.trackback.gocd;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One file from the server to its place.
 *
 * <p>It grows in a {@code .part} file beside the place, is compared with its digest as it lies on the disk, and only then
 * moved there: whoever looks finds the old file or the new one, never half of one. What a broken job has left of the
 * same bytes is gone on with; the part's name holds the digest, so that other bytes start anew.
 */
final class Download {
    private static final String ANOTHER_PART = "another part than was asked for";
    private static final String PART_PREFIX = ".trackback-";
    private static final String PART_SUFFIX = ".part";

    private final TrackbackServer server;
    private final RemoteFile file;
    private final Path target;
    private final Path part;
    private AtomicLong written = new AtomicLong();
    private boolean hasDiffered;

    Download(TrackbackServer server, RemoteFile file, Path target) {
        this.server = server;
        this.file = file;
        this.target = target;
        String content = file.sha256 == null ? "unknown" : file.sha256.substring(0, 16);
        this.part = target.resolveSibling(partPrefix() + content + PART_SUFFIX);
    }

    /** Whether a file is what a job has left of a download. */
    static boolean isPart(Path file) {
        String name = file.getFileName().toString();
        return name.startsWith(PART_PREFIX) && name.endsWith(PART_SUFFIX);
    }

    /** By the target's name, hashed, as that may be as long as a name can be. */
    private String partPrefix() {
        return PART_PREFIX + Sha256.of(target.getFileName().toString()).substring(0, 16) + "-";
    }

    /** Whether the place has the very file already. */
    boolean isThere() throws Failure {
        try {
            return file.sha256 != null
                    && Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
                    && Files.size(target) == file.size
                    && Sha256.of(target).equals(file.sha256);
        } catch (IOException e) {
            throw DiskFailure.reading(target, e);
        }
    }

    /** How many bytes are still to be fetched: those that an earlier job has left of this file are not. */
    long bytesToCome() throws Failure {
        try {
            return file.sha256 == null || !Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)
                    ? file.size
                    : Math.max(0, file.size - Files.size(part));
        } catch (IOException e) {
            throw DiskFailure.reading(part, e);
        }
    }

    void run(Progress progress, Console console) throws Failure {
        removeOtherParts();
        Retries retries = new Retries(server.patience(), console);
        retries.run(file.path, () -> written.get(), () -> {
            fetch(progress);
            verify();
            return target;
        });
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
        progress.done(file.size);
    }

    private void fetch(Progress progress) throws Failure {
        try (FileChannel channel = FileChannel.open(
                part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            // Bytes whose digest is not known can't be told from those of a file that has changed since.
            // A counter of its own for each attempt: one that was given up may still be told of bytes.
            written = new AtomicLong(file.sha256 == null ? 0 : Math.min(channel.size(), file.size));
            channel.truncate(written.get());
            if (written.get() < file.size) {
                get(channel, progress);
            }
        } catch (FileBody.WriteFailed e) {
            throw DiskFailure.writing(part, e.why());
        } catch (IOException e) {
            throw DiskFailure.writing(part, e);
        }
        if (written.get() < file.size) {
            throw ServerFailure.passing(
                    file.path + " ended after " + written.get() + " of its " + file.size + " bytes", null);
        }
    }

    private void get(FileChannel channel, Progress progress) throws Failure, FileBody.WriteFailed {
        AtomicLong counter = written;
        HttpRequest.Builder request = server.request(file.url);
        if (written.get() > 0) {
            request.header("Range", "bytes=" + written.get() + "-");
        }
        CompletableFuture<HttpResponse<String>> exchange =
                server.http().sendAsync(request.build(), info -> bodyFor(info, channel, file.size, counter));
        Transfer transfer = new Transfer(server, counter::get, bytes -> progress.at(file.path, bytes));
        try {
            check(transfer.await(exchange));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof FileBody.WriteFailed) {
                throw (FileBody.WriteFailed) e.getCause();
            }
            if (e.getCause() instanceof FileBody.TooLong) {
                throw ServerFailure.lasting(file.path + ": " + e.getCause().getMessage(), e);
            }
            throw server.diagnosis().unreached(e.getCause(), server.patience());
        }
    }

    private static HttpResponse.BodySubscriber<String> bodyFor(
            HttpResponse.ResponseInfo info, FileChannel channel, long size, AtomicLong written) {
        switch (info.statusCode()) {
            case 200:
                written.set(0);
                return new FileBody(channel, size, written);
            case 206:
                String range = info.headers().firstValue("Content-Range").orElse("");
                return range.startsWith("bytes " + written.get() + "-")
                        ? new FileBody(channel, size, written)
                        : HttpResponse.BodySubscribers.replacing(ANOTHER_PART);
            default:
                return new LimitedBody(1 << 20);
        }
    }

    private void check(HttpResponse<String> response) throws Failure {
        int status = response.statusCode();
        if (status == 416 || status == 206 && response.body().equals(ANOTHER_PART)) {
            discard();
            throw ServerFailure.passing(file.path + ": the server has no such part of it (" + status + "), starting anew", null);
        }
        if (status != 200 && status != 206) {
            String location = response.headers().firstValue("Location").orElse(null);
            throw server.refused(status, file.url, response.body(), location);
        }
    }

    private void verify() throws Failure {
        if (file.sha256 == null) {
            return;
        }
        try {
            String found = Sha256.of(part);
            if (!found.equals(file.sha256)) {
                discard();
                throw differs(found);
            }
        } catch (IOException e) {
            throw DiskFailure.reading(part, e);
        }
    }

    /** Once, what an earlier job has left may have been damaged; twice, the server's own file is. */
    private ServerFailure differs(String found) {
        String message = file.path + " arrived with other bytes than the server has listed: SHA-256 " + found
                + " instead of " + file.sha256 + ". Nothing of it was kept";
        ServerFailure failure = hasDiffered ? ServerFailure.lasting(message) : ServerFailure.passing(message, null);
        hasDiffered = true;
        return failure;
    }

    private void discard() throws Failure {
        written.set(0);
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw DiskFailure.writing(part, e);
        }
    }

    /** What is left of files that this place was to have before. */
    private void removeOtherParts() throws Failure {
        try (DirectoryStream<Path> others = Files.newDirectoryStream(target.getParent(), partPrefix() + "*" + PART_SUFFIX)) {
            for (Path other : others) {
                if (!other.getFileName().equals(part.getFileName())) {
                    Files.deleteIfExists(other);
                }
            }
        } catch (IOException e) {
            throw DiskFailure.writing(target.getParent(), e);
        }
    }
}
