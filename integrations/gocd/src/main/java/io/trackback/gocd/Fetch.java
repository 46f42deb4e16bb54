package io.trackback.gocd;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files of a model brought to a folder of a job. */
final class Fetch {
    private final TrackbackServer server;
    private final WorkingDirectory directory;
    private final Console console;

    Fetch(TrackbackServer server, WorkingDirectory directory, Console console) {
        this.server = server;
        this.directory = directory;
        this.console = console;
    }

    /**
     * Bring all listed files to the folder, under their own paths, or the only one under the name given; the folder.
     *
     * <p>asName: empty for their own paths.
     */
    Path run(FileListing listing, String destination, String asName) throws Failure {
        if (!asName.isEmpty() && listing.files.size() != 1) {
            throw new Failure("DestinationFile " + asName + " names one file, and the pattern matches "
                    + Bytes.files(listing.files.size()) + " of " + listing.name + ": " + firstPaths(listing)
                    + ". Give a pattern that matches one, or a Destination alone");
        }
        Path folder = directory.folder(destination);
        Map<Path, RemoteFile> targets = new LinkedHashMap<>();
        for (RemoteFile file : listing.files) {
            targets.put(directory.file(folder, asName.isEmpty() ? file.path : asName), file);
        }
        run(listing, folder, targets);
        return folder;
    }

    private void run(FileListing listing, Path folder, Map<Path, RemoteFile> targets) throws Failure {
        List<Download> missing = new ArrayList<>();
        long missingBytes = 0;
        for (Map.Entry<Path, RemoteFile> target : targets.entrySet()) {
            Download download = new Download(server, target.getValue(), target.getKey());
            if (!download.isThere()) {
                missing.add(download);
                missingBytes += download.bytesToCome();
            }
        }
        DiskFailure.checkRoom(folder, missingBytes);
        Progress progress = new Progress(console, "fetching", missing.size(), missingBytes, System::nanoTime);
        progress.print("fetching " + Bytes.files(missing.size()) + " (" + Bytes.shown(missingBytes) + ") of "
                + listing.name + " into " + directory.shown(folder) + alreadyThere(targets.size() - missing.size()));
        for (Download download : missing) {
            download.run(progress, console);
        }
        progress.print("fetched " + listing.name + ", " + checked(listing));
    }

    private static String alreadyThere(int files) {
        return files == 0 ? "" : "; " + Bytes.files(files) + " already there, with the same SHA-256";
    }

    private static String checked(FileListing listing) {
        long unknown = listing.files.stream().filter(file -> file.sha256 == null).count();
        return unknown == 0
                ? "the SHA-256 of every file checked"
                : "but the server does not know the SHA-256 of " + Bytes.files((int) unknown) + ": only sizes were checked there";
    }

    private static String firstPaths(FileListing listing) {
        StringBuilder paths = new StringBuilder();
        listing.files.stream().limit(3).forEach(file -> paths.append(paths.length() == 0 ? "" : ", ").append(file.path));
        return listing.files.size() > 3 ? paths + ", …" : paths.toString();
    }
}
