package io.trackback.gocd;

/** A field of a configuration in GoCD has a value that can't be right, whatever any server says. */
final class InvalidSetting extends Failure {
    private static final long serialVersionUID = 1L;

    private final String key;

    InvalidSetting(String key, String message) {
        super(message);
        this.key = key;
    }

    /** The field's name in GoCD, such as TRACKBACK_URL. */
    String key() {
        return key;
    }
}
