package io.trackback.gocd;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads one JSON text, strictly by RFC 8259: nothing before or after the value, no comments, no trailing commas.
 *
 * <p>Objects become maps in the order of the text, arrays lists, whole numbers that fit {@link Long}, other numbers
 * {@link BigDecimal}. A name that an object has twice is an error, as no two readers agree on which one counts.
 */
final class JsonReader {
    /** Deeper texts are refused: each level takes stack, and no answer of ours nests more than a few. */
    static final int MAX_DEPTH = 100;

    private final String text;
    private int at;
    private int depth;

    private JsonReader(String text) {
        this.text = text;
    }

    static Object read(String text) throws JsonException {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value();
        reader.skipSpace();
        if (reader.at < text.length()) {
            throw reader.wrong("the end");
        }
        return value;
    }

    private Object value() throws JsonException {
        skipSpace();
        if (at == text.length()) {
            throw wrong("a value");
        }
        switch (text.charAt(at)) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return literal("true", Boolean.TRUE);
            case 'f':
                return literal("false", Boolean.FALSE);
            case 'n':
                return literal("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() throws JsonException {
        enter();
        Map<String, Object> members = new LinkedHashMap<>();
        if (!skip('}')) {
            do {
                skipSpace();
                if (at == text.length() || text.charAt(at) != '"') {
                    throw wrong("a name in quotes");
                }
                int start = at;
                String name = string();
                if (members.containsKey(name)) {
                    at = start;
                    throw wrong("a name that the object does not have yet");
                }
                expect(':');
                members.put(name, value());
            } while (skip(','));
            expect('}');
        }
        depth--;
        return members;
    }

    private List<Object> array() throws JsonException {
        enter();
        List<Object> items = new ArrayList<>();
        if (!skip(']')) {
            do {
                items.add(value());
            } while (skip(','));
            expect(']');
        }
        depth--;
        return items;
    }

    private void enter() throws JsonException {
        if (++depth > MAX_DEPTH) {
            throw wrong("no more than " + MAX_DEPTH + " levels");
        }
        at++;
    }

    private String string() throws JsonException {
        StringBuilder characters = new StringBuilder();
        at++;
        while (at < text.length()) {
            char next = text.charAt(at);
            if (next == '"') {
                at++;
                return characters.toString();
            }
            if (next < ' ') {
                throw wrong("a control character to be escaped");
            }
            at++;
            characters.append(next == '\\' ? escaped() : next);
        }
        throw wrong("the string's closing quote");
    }

    private char escaped() throws JsonException {
        char kind = at < text.length() ? text.charAt(at++) : ' ';
        switch (kind) {
            case '"':
            case '\\':
            case '/':
                return kind;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                return hexadecimal();
            default:
                at--;
                throw wrong("one of \"\\/bfnrtu after a backslash");
        }
    }

    private char hexadecimal() throws JsonException {
        int code = 0;
        for (int i = 0; i < 4; i++) {
            char digit = at < text.length() ? text.charAt(at) : ' ';
            int value = digit < 128 ? Character.digit(digit, 16) : -1;
            if (value < 0) {
                throw wrong("four hexadecimal digits");
            }
            code = code * 16 + value;
            at++;
        }
        return (char) code;
    }

    private Object literal(String word, Object value) throws JsonException {
        if (!text.startsWith(word, at)) {
            throw wrong("a value");
        }
        at += word.length();
        return value;
    }

    private Object number() throws JsonException {
        int start = at;
        take('-');
        if (!take('0')) {
            digits();
        }
        boolean whole = true;
        if (take('.')) {
            whole = false;
            digits();
        }
        if (take('e') || take('E')) {
            whole = false;
            if (!take('+')) {
                take('-');
            }
            digits();
        }
        String number = text.substring(start, at);
        try {
            BigDecimal value = new BigDecimal(number);
            // Shorter than this, a whole number may fit; all that is longer does not.
            boolean fits = whole && number.length() <= 20 && value.toBigInteger().bitLength() < Long.SIZE;
            return fits ? (Object) value.longValueExact() : value;
        } catch (NumberFormatException tooLarge) {
            at = start;
            throw wrong("a number with a smaller exponent");
        }
    }

    private void digits() throws JsonException {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        if (at == start) {
            throw wrong(start > 0 && "-.eE+".indexOf(text.charAt(start - 1)) >= 0 ? "a digit" : "a value");
        }
    }

    private boolean take(char wanted) {
        boolean there = at < text.length() && text.charAt(at) == wanted;
        at += there ? 1 : 0;
        return there;
    }

    private boolean skip(char wanted) {
        skipSpace();
        return take(wanted);
    }

    private void expect(char wanted) throws JsonException {
        if (!skip(wanted)) {
            throw wrong("'" + wanted + "'");
        }
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private JsonException wrong(String expected) {
        String found = at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
        return new JsonException(
                "no JSON: at character " + (at + 1) + ", " + expected + " was expected, not " + found);
    }
}
