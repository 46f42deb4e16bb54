package io.trackback.gocd;

/** The token that a server knows its caller by, or none. It has no {@code toString} that would show it. */
final class Token {
    static final String KEY = "TOKEN";

    private final String secret;

    private Token(String secret) {
        this.secret = secret;
    }

    /** The token that a person has typed; empty for none. */
    static Token parse(String typed) throws InvalidSetting {
        String secret = typed == null ? "" : typed.strip();
        for (int i = 0; i < secret.length(); i++) {
            if (secret.charAt(i) <= ' ' || secret.charAt(i) > '~') {
                throw new InvalidSetting(
                        KEY, KEY + " has a character at place " + (i + 1) + " that no token has: paste the token anew");
            }
        }
        return new Token(secret);
    }

    boolean isThere() {
        return !secret.isEmpty();
    }

    /** The value of the header Authorization. */
    String authorization() {
        return "Bearer " + secret;
    }
}
