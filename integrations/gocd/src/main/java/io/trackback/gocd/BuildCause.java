package io.trackback.gocd;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The materials that a pipeline was triggered by, as a notification tells them. */
final class BuildCause {
    private static final Pattern SECRET = Pattern.compile("(?i).*(token|password|secret|credential|(private|access|api).?key).*");
    private static final Pattern MASK = Pattern.compile("\\*{4,}");

    private final JsonObject pipeline;
    private final List<String> elsewhere = new ArrayList<>();

    BuildCause(JsonObject pipeline) {
        this.pipeline = pipeline;
    }

    /**
     * Take out packages of other trackback servers, and what of any configuration may be secret. Of a pipeline without a
     * package of the server at this address only other pipelines are kept, which may have one.
     *
     * @return whether promotions of that server may have gone into the pipeline
     */
    boolean keepOurs(ServerAddress ours) throws JsonException {
        boolean found = false;
        List<JsonObject> causes = pipeline.objects("build-cause");
        List<?> kept = (List<?>) pipeline.members().get("build-cause");
        Iterator<?> each = kept.iterator();
        for (JsonObject cause : causes) {
            each.next();
            JsonObject material = cause.object("material");
            if (isTrackback(material)) {
                if (isAt(material, ours)) {
                    found = true;
                } else {
                    elsewhere.add(material.objectOrEmpty("repository-configuration").string(ServerAddress.KEY, "nowhere"));
                    each.remove();
                }
            }
            removeSecrets(material);
        }
        return found || keepPipelines(kept);
    }

    private static boolean keepPipelines(List<?> causes) {
        causes.removeIf(cause -> !isPipeline((Map<?, ?>) ((Map<?, ?>) cause).get("material")));
        return !causes.isEmpty();
    }

    private static boolean isPipeline(Map<?, ?> material) {
        return "pipeline".equals(material.get("type"));
    }

    /** The addresses of other trackback servers, whose packages were taken out. */
    List<String> elsewhere() {
        return elsewhere;
    }

    private static boolean isTrackback(JsonObject material) throws JsonException {
        return material.string("type", "").equals("package")
                && material.string("plugin-id", "").equals(Gocd.PLUGIN_ID);
    }

    private static boolean isAt(JsonObject material, ServerAddress ours) throws JsonException {
        JsonObject repository = material.objectOrEmpty("repository-configuration");
        String url = ServerSettings.value(repository.members().get(ServerAddress.KEY));
        try {
            return ServerAddress.parse(url).isSameAs(ours);
        } catch (InvalidSetting notAnAddress) {
            return false;
        }
    }

    /** GoCD masks what it knows to be secure; this drops the mask, and what is secret by its name. */
    private static void removeSecrets(JsonObject material) {
        for (Object member : material.members().values()) {
            if (member instanceof Map) {
                ((Map<?, ?>) member).entrySet().removeIf(entry -> SECRET.matcher(String.valueOf(entry.getKey())).matches()
                        || MASK.matcher(String.valueOf(ServerSettings.value(entry.getValue()))).matches());
            }
        }
    }
}
