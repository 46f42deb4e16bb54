package io.trackback.gocd;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A job's working directory, which nothing is written outside of.
 *
 * <p>Names come from a server and from a pipeline's configuration; neither may lead out, be it by {@code ..}, by an
 * absolute path, or through a link that a step before has left.
 */
final class WorkingDirectory {
    private final Path root;

    private WorkingDirectory(Path root) {
        this.root = root;
    }

    static WorkingDirectory at(String path) throws Failure {
        try {
            return new WorkingDirectory(Path.of(path).toAbsolutePath().toRealPath());
        } catch (IOException | InvalidPathException e) {
            throw new Failure("the job's working directory " + path + " can't be used: " + DiskFailure.reason(e), e);
        }
    }

    Path root() {
        return root;
    }

    /** The folder of that name, made if it is not there. name: relative, empty for the working directory itself. */
    Path folder(String name) throws Failure {
        return make(inside(name, true));
    }

    /** The path of a file below a folder of this directory; the folders that it lies in are made. */
    Path file(Path folder, String name) throws Failure {
        Path file = folder.resolve(inside(name, false)).normalize();
        make(root.relativize(file.getParent()));
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new Failure("a folder is where " + shown(file) + " should go: remove it, or choose another destination");
        }
        return file;
    }

    /** How a path is named in messages: relative to this directory. */
    String shown(Path path) {
        String relative = root.relativize(path).toString();
        return relative.isEmpty() ? root.toString() : relative;
    }

    /** Segment by segment, so that a link is found before anything is made behind it. */
    private Path make(Path relative) throws Failure {
        Path folder = root;
        for (Path segment : relative) {
            folder = folder.resolve(segment);
            try {
                makeOne(folder);
                Path real = folder.toRealPath();
                if (!real.startsWith(root)) {
                    throw new Failure(shown(folder) + " is a link that leads out of the job's working directory, to " + real
                            + ": nothing is written there");
                }
                folder = real;
            } catch (IOException e) {
                throw DiskFailure.writing(folder, e);
            }
        }
        return folder;
    }

    private static void makeOne(Path folder) throws IOException {
        try {
            Files.createDirectory(folder);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(folder)) {
                throw e;
            }
        }
    }

    private static Path inside(String name, boolean mayBeEmpty) throws Failure {
        String stripped = mayBeEmpty ? name.strip().replaceAll("/+$", "") : name;
        if (mayBeEmpty && (stripped.isEmpty() && !name.strip().startsWith("/") || stripped.equals("."))) {
            return Path.of("");
        }
        for (int i = 0; i < stripped.length(); i++) {
            if (stripped.charAt(i) < ' ' || stripped.charAt(i) == '\\' || stripped.charAt(i) == 127) {
                throw outside(name, "has a character that not every agent can write");
            }
        }
        for (String segment : stripped.split("/", -1)) {
            if (segment.isEmpty() || segment.equals("..") || segment.equals(".") && !mayBeEmpty) {
                throw outside(name, "is no path below it");
            }
        }
        try {
            Path path = Path.of(stripped).normalize();
            if (path.isAbsolute() || path.getRoot() != null) {
                throw outside(name, "is no path below it");
            }
            return path;
        } catch (InvalidPathException e) {
            throw outside(name, "can't be written on this agent (" + e.getReason() + ")");
        }
    }

    private static Failure outside(String name, String why) {
        return new Failure(JsonWriter.write(name) + " " + why + ": files are written only into the job's working directory");
    }
}
