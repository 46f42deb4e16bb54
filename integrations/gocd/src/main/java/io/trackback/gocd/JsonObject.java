package io.trackback.gocd;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A JSON object whose members are read as the types they must have; an error names the member. */
final class JsonObject {
    private final Map<String, Object> members;
    private final String where;

    private JsonObject(Map<String, Object> members, String where) {
        this.members = members;
        this.where = where;
    }

    static JsonObject read(String text) throws JsonException {
        return of(JsonReader.read(text == null ? "" : text), "");
    }

    /** A text that is a list of objects. */
    static List<JsonObject> readList(String text) throws JsonException {
        JsonObject holder = empty();
        holder.members.put("", JsonReader.read(text));
        return holder.objects("");
    }

    static JsonObject empty() {
        return new JsonObject(new LinkedHashMap<>(), "");
    }

    @SuppressWarnings("unchecked") // JSON's names are strings
    private static JsonObject of(Object value, String where) throws JsonException {
        if (!(value instanceof Map)) {
            throw wrong(where, "an object", value);
        }
        return new JsonObject((Map<String, Object>) value, where);
    }

    /** The members, to be changed or written. */
    Map<String, Object> members() {
        return members;
    }

    boolean has(String name) {
        return members.get(name) != null;
    }

    String string(String name) throws JsonException {
        Object value = members.get(name);
        if (!(value instanceof String)) {
            throw wrong(path(name), "a string", value);
        }
        return (String) value;
    }

    /** The string, or other where there is none. */
    String string(String name, String other) throws JsonException {
        return has(name) ? string(name) : other;
    }

    long size(String name) throws JsonException {
        Object value = members.get(name);
        if (!(value instanceof Long) || (Long) value < 0) {
            throw wrong(path(name), "a whole number of 0 or more", value);
        }
        return (Long) value;
    }

    JsonObject object(String name) throws JsonException {
        return of(members.get(name), path(name));
    }

    /** The object, or an empty one where there is none. */
    JsonObject objectOrEmpty(String name) throws JsonException {
        return has(name) ? object(name) : new JsonObject(new LinkedHashMap<>(), path(name));
    }

    List<JsonObject> objects(String name) throws JsonException {
        Object value = members.get(name);
        if (!(value instanceof List)) {
            throw wrong(path(name), "a list", value);
        }
        List<JsonObject> objects = new ArrayList<>();
        for (Object item : (List<?>) value) {
            objects.add(of(item, path(name) + "[" + objects.size() + "]"));
        }
        return objects;
    }

    /** All members, each of which must be a string; those that are null are left out. */
    Map<String, String> strings() throws JsonException {
        Map<String, String> strings = new LinkedHashMap<>();
        for (String name : members.keySet()) {
            if (has(name)) {
                strings.put(name, string(name));
            }
        }
        return Collections.unmodifiableMap(strings);
    }

    private String path(String name) {
        return where.isEmpty() ? name : where + "." + name;
    }

    private static JsonException wrong(String where, String expected, Object found) {
        String place = where.isEmpty() ? "" : where + ": ";
        return new JsonException(place + expected + " was expected, not " + shown(found));
    }

    private static String shown(Object value) {
        if (value instanceof Map) {
            return "an object";
        }
        return value instanceof List ? "a list" : JsonWriter.write(value);
    }
}
