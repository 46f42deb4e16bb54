package io.trackback.gocd;

import java.math.BigDecimal;
import java.util.Map;

/** Writes maps, iterables, strings, whole and decimal numbers, booleans and null as compact JSON. */
final class JsonWriter {
    private final StringBuilder text = new StringBuilder();

    private JsonWriter() {
    }

    static String write(Object value) {
        JsonWriter writer = new JsonWriter();
        writer.value(value);
        return writer.text.toString();
    }

    private void value(Object value) {
        if (value instanceof Map) {
            object((Map<?, ?>) value);
        } else if (value instanceof Iterable) {
            array((Iterable<?>) value);
        } else if (value instanceof String) {
            string((String) value);
        } else if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long
                || value instanceof BigDecimal) {
            text.append(value);
        } else {
            throw new IllegalArgumentException("JSON has no " + value.getClass().getName());
        }
    }

    private void object(Map<?, ?> members) {
        String separator = "{";
        for (Map.Entry<?, ?> member : members.entrySet()) {
            text.append(separator);
            string((String) member.getKey());
            text.append(':');
            value(member.getValue());
            separator = ",";
        }
        text.append(members.isEmpty() ? "{}" : "}");
    }

    private void array(Iterable<?> items) {
        text.append('[');
        String separator = "";
        for (Object item : items) {
            text.append(separator);
            value(item);
            separator = ",";
        }
        text.append(']');
    }

    private void string(String characters) {
        text.append('"');
        for (int i = 0; i < characters.length(); i++) {
            character(characters, i);
        }
        text.append('"');
    }

    private void character(String characters, int i) {
        char next = characters.charAt(i);
        if (next == '"' || next == '\\') {
            text.append('\\').append(next);
        } else if (next < ' ' || isLoneSurrogate(characters, i)) {
            text.append(String.format("\\u%04x", (int) next));
        } else {
            text.append(next);
        }
    }

    /** Half of a character pair can't be encoded as UTF-8: unescaped, it would arrive as a question mark. */
    private static boolean isLoneSurrogate(String characters, int i) {
        char next = characters.charAt(i);
        if (Character.isHighSurrogate(next)) {
            return i + 1 == characters.length() || !Character.isLowSurrogate(characters.charAt(i + 1));
        }
        return Character.isLowSurrogate(next) && (i == 0 || !Character.isHighSurrogate(characters.charAt(i - 1)));
    }
}
