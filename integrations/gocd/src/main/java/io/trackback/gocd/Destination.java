package io.trackback.gocd;

/** What a person may give as the place of files in a job; what is wrong is said when the pipeline is saved. */
final class Destination {
    private Destination() {
    }

    /** What is wrong with a folder, or null. Empty is the working directory. */
    static String wrongFolder(String typed) {
        return leadsOut(typed)
                ? "must be a folder below the job's working directory, such as model: " + typed
                : null;
    }

    /** What is wrong with the name for a single file, or null. Empty keeps the file's own. */
    static String wrongFile(String typed) {
        return leadsOut(typed) || typed.endsWith("/")
                ? "must be a file's name, such as model.pkl, within the destination: " + typed
                : null;
    }

    private static boolean leadsOut(String typed) {
        if (typed.startsWith("/") || typed.contains("\\") || typed.matches("[A-Za-z]:.*")) {
            return true;
        }
        for (String segment : typed.split("/", -1)) {
            if (segment.equals("..")) {
                return true;
            }
        }
        return false;
    }
}
