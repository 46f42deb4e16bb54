package io.trackback.gocd;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.TreeMap;

/** The files of a job's working directory that a pattern names, by the paths that they are to have in the model. */
final class SourceFiles {
    private final WorkingDirectory directory;

    SourceFiles(WorkingDirectory directory) {
        this.directory = directory;
    }

    /** What is wrong with a pattern, or null. */
    static String wrongPattern(String typed) {
        return Destination.wrongFolder(typed) == null
                ? null
                : "must name files below the job's working directory, such as model or model/**/*.pkl: " + typed;
    }

    /**
     * Those that the source names: a file, all files of a folder, or what a glob matches.
     *
     * <p>Paths in the model are relative to the folder, or to the last folder before the glob's first wildcard.
     */
    Map<String, Path> matching(String source) throws Failure {
        String wrong = wrongPattern(source);
        if (wrong != null) {
            throw new Failure("Source " + wrong);
        }
        String typed = source.replaceAll("^(\\./)+|/+$", "");
        String base = Glob.isGlob(typed) ? folderBefore(typed) : typed;
        Path start = start(base, source);
        Map<String, Path> files = new TreeMap<>();
        if (!Files.isDirectory(start)) {
            files.put(start.getFileName().toString(), checked(start));
            return files;
        }
        String rest = Glob.isGlob(typed) ? typed.substring(base.isEmpty() ? 0 : base.length() + 1) : "**";
        collect(start, new Glob(rest), files);
        if (files.isEmpty()) {
            throw new Failure("no file in " + directory.root() + " matches Source " + source);
        }
        return files;
    }

    private static String folderBefore(String glob) {
        int wildcard = Math.min(
                glob.indexOf('*') < 0 ? glob.length() : glob.indexOf('*'),
                glob.indexOf('?') < 0 ? glob.length() : glob.indexOf('?'));
        return glob.substring(0, Math.max(0, glob.lastIndexOf('/', wildcard)));
    }

    private Path start(String base, String source) throws Failure {
        try {
            Path start = directory.root().resolve(base.equals(".") ? "" : base);
            Path real = start.toRealPath();
            if (!real.startsWith(directory.root())) {
                throw new Failure("Source " + source + " leads out of the job's working directory, to " + real);
            }
            return real;
        } catch (IOException | InvalidPathException e) {
            throw new Failure("there is no " + (base.isEmpty() ? "." : base) + " in " + directory.root() + ", where Source "
                    + source + " looks (" + DiskFailure.reason(e) + ")", e);
        }
    }

    private void collect(Path start, Glob glob, Map<String, Path> files) throws Failure {
        Map<String, Path> found = new TreeMap<>();
        try {
            Files.walkFileTree(start, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    String path = start.relativize(file).toString().replace(file.getFileSystem().getSeparator(), "/");
                    if (glob.matches(path) && !Download.isPart(file)) {
                        found.put(path, file);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw DiskFailure.reading(start, e);
        }
        for (Map.Entry<String, Path> file : found.entrySet()) {
            files.put(file.getKey(), checked(file.getValue()));
        }
    }

    /** A link to a file beside it is a file; one that leads out may lead to a secret of the agent's. */
    private Path checked(Path file) throws Failure {
        try {
            Path real = file.toRealPath();
            if (!real.startsWith(directory.root())) {
                throw new Failure(directory.shown(file) + " is a link that leads out of the job's working directory, to "
                        + real + ": copy the file, or leave it out of Source");
            }
            if (!Files.isRegularFile(real)) {
                throw new Failure(directory.shown(file) + " is no file, but a link to a folder or a device: leave it out of Source");
            }
            return real;
        } catch (IOException e) {
            throw DiskFailure.reading(file, e);
        }
    }
}
