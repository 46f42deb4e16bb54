package io.trackback.gocd;

/** A file as the server lists it. */
final class RemoteFile {
    final String path;
    final long size;
    final String url;

    /** Lower-case hexadecimal; null for a file outside the server's storage, whose digest it does not know. */
    final String sha256;

    RemoteFile(String path, long size, String url, String sha256) {
        this.path = path;
        this.size = size;
        this.url = url;
        this.sha256 = sha256;
    }

    static RemoteFile of(JsonObject listed) throws JsonException {
        return new RemoteFile(listed.string("path"), listed.size("size"), listed.string("url"), sha256(listed));
    }

    private static String sha256(JsonObject listed) throws JsonException {
        String digest = listed.string("sha256", null);
        if (digest != null && !digest.matches("[0-9a-f]{64}")) {
            throw new JsonException("sha256: 64 hexadecimal digits were expected, not " + digest);
        }
        return digest;
    }
}
