package io.trackback.gocd;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Says what is wrong with an agent's disk. */
final class DiskFailure {
    private DiskFailure() {
    }

    static Failure writing(Path path, IOException error) {
        if (isFull(error)) {
            return full(path, error);
        }
        return new Failure("can't write " + path + ": " + reason(error), error);
    }

    static Failure reading(Path path, IOException error) {
        return new Failure("can't read " + path + ": " + reason(error), error);
    }

    private static Failure full(Path path, IOException error) {
        return new Failure("the agent's disk is full: no room to write " + path + roomOf(path)
                + ". Free some, or give the agent's working directory a larger disk", error);
    }

    /** Refuse what can't fit before any of it is fetched. */
    static void checkRoom(Path folder, long neededBytes) throws Failure {
        try {
            long free = Files.getFileStore(folder).getUsableSpace();
            if (free < neededBytes) {
                throw new Failure("the agent's disk has too little room: " + folder + " has " + Bytes.shown(free)
                        + " free, and the files need " + Bytes.shown(neededBytes));
            }
        } catch (IOException unknown) {
            // Some file systems don't say; writing will tell.
        }
    }

    static String reason(Exception error) {
        if (error instanceof AccessDeniedException) {
            return "permission denied for " + System.getProperty("user.name") + ", whom the agent runs as";
        }
        if (error instanceof NoSuchFileException) {
            return "it does not exist";
        }
        if (error instanceof FileAlreadyExistsException) {
            return "a file is where a folder should be";
        }
        if (error instanceof FileSystemException && ((FileSystemException) error).getReason() != null) {
            return ((FileSystemException) error).getReason();
        }
        return error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
    }

    private static boolean isFull(IOException error) {
        String message = String.valueOf(error.getMessage()).toLowerCase();
        return message.contains("no space left") || message.contains("not enough space") || message.contains("disk quota");
    }

    private static String roomOf(Path path) {
        try {
            return " (" + Bytes.shown(Files.getFileStore(path.getParent()).getUsableSpace()) + " free)";
        } catch (IOException unknown) {
            return "";
        }
    }
}
