package io.trackback.gocd;

import java.util.regex.Pattern;

/**
 * A pattern for paths, as people know it from Ant and GoCD: {@code *} and {@code ?} within a segment, {@code **} for any
 * number of segments, none included.
 */
final class Glob {
    private final Pattern pattern;

    Glob(String glob) {
        this.pattern = Pattern.compile(regex(glob), Pattern.DOTALL);
    }

    static boolean isGlob(String text) {
        return text.indexOf('*') >= 0 || text.indexOf('?') >= 0;
    }

    boolean matches(String path) {
        return pattern.matcher(path).matches();
    }

    private static String regex(String glob) {
        StringBuilder regex = new StringBuilder();
        int at = 0;
        while (at < glob.length()) {
            if (glob.startsWith("**/", at) && startsSegment(glob, at)) {
                regex.append("(?:[^/]+/)*");
                at += 3;
            } else if (glob.startsWith("**", at) && startsSegment(glob, at) && at + 2 == glob.length()) {
                regex.append(".*");
                at += 2;
            } else {
                regex.append(character(glob.charAt(at)));
                at++;
            }
        }
        return regex.toString();
    }

    private static boolean startsSegment(String glob, int at) {
        return at == 0 || glob.charAt(at - 1) == '/';
    }

    private static String character(char next) {
        switch (next) {
            case '*':
                return "[^/]*";
            case '?':
                return "[^/]";
            default:
                return Pattern.quote(String.valueOf(next));
        }
    }
}
