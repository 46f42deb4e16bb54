package io.trackback.gocd;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** The environment variables of a job, secrets among them: what leaves the agent is chosen here, by name. */
final class JobEnvironment {
    /** What GoCD tells every job about itself and its sources. */
    private static final Pattern PROVENANCE = Pattern.compile(
            "GO_(SERVER_URL|PIPELINE_NAME|PIPELINE_COUNTER|PIPELINE_LABEL|PIPELINE_GROUP_NAME|ENVIRONMENT_NAME"
                    + "|STAGE_NAME|STAGE_COUNTER|JOB_NAME|TRIGGER_USER"
                    + "|(FROM_|TO_)?REVISION(_.*)?|MATERIAL(_.*)?|DEPENDENCY_.*)");

    /** Of packages only what our own materials give, of others the label: their fields may be passwords. */
    private static final Pattern PACKAGE = Pattern.compile(
            "GO_(PACKAGE|SCM)_.+_LABEL|GO_REPO_.+_TRACKBACK_URL|GO_PACKAGE_.+_(PROMOTION|KIND|RUN_ID|MODEL|VERSION|MODEL_URI"
                    + "|DIGEST|ARTIFACT_URI|EXPERIMENT_ID|EXPERIMENT|ENVIRONMENT|GIT_COMMIT|PR_ID)");

    private static final Pattern SECRET = Pattern.compile(".*(TOKEN|PASSWORD|SECRET|CREDENTIAL).*");

    private final Map<String, String> variables;

    JobEnvironment(Map<String, String> variables) {
        this.variables = variables;
    }

    /** Those that tell where a build comes from, for the server to keep with the model. */
    Map<String, Object> provenance() {
        Map<String, Object> chosen = new LinkedHashMap<>();
        for (String name : new TreeSet<>(variables.keySet())) {
            boolean told = PROVENANCE.matcher(name).matches() || PACKAGE.matcher(name).matches();
            if (told && !SECRET.matcher(name).matches()) {
                chosen.put(name, variables.get(name));
            }
        }
        return chosen;
    }

    /** The variables of a package material, whose name GoCD makes of the repository's and the package's. */
    Material material(String repository, String packageName) {
        return new Material(packageName.isEmpty() ? repository : repository + "_" + packageName, repository);
    }

    /** One package material of the job's pipeline. */
    final class Material {
        private final String name;
        private final String repository;

        private Material(String name, String repository) {
            this.name = variableName(name);
            this.repository = variableName(repository);
        }

        /** The server's address and the token that the repository has. */
        ServerSettings server() throws Failure {
            String url = ofRepository(ServerAddress.KEY);
            if (url == null) {
                throw missing("GO_REPO_" + name + "_" + ServerAddress.KEY);
            }
            return ServerSettings.of(url, ofRepository(Token.KEY));
        }

        private String ofRepository(String key) {
            String own = variables.get("GO_REPO_" + name + "_" + key);
            return own != null ? own : variables.get("GO_REPO_" + repository + "_" + key);
        }

        /** What was promoted, as the server is asked for it. */
        Map<String, Object> selection() throws Failure {
            Map<String, Object> selection = new LinkedHashMap<>();
            if (has("PROMOTION")) {
                selection.put("promotion", number("PROMOTION"));
            } else if (has("MODEL") && has("VERSION")) {
                selection.put("model", of("MODEL"));
                selection.put("version", of("VERSION"));
            } else if (has("RUN_ID")) {
                selection.put("run_id", of("RUN_ID"));
            } else {
                throw missing("GO_PACKAGE_" + name + "_PROMOTION");
            }
            return selection;
        }

        private long number(String key) throws Failure {
            try {
                return Long.parseLong(of(key));
            } catch (NumberFormatException e) {
                throw new Failure("GO_PACKAGE_" + name + "_" + key + " is no number: " + of(key));
            }
        }

        private boolean has(String key) {
            return of(key) != null && !of(key).isBlank();
        }

        private String of(String key) {
            return variables.get("GO_PACKAGE_" + name + "_" + key);
        }

        private Failure missing(String variable) {
            List<String> others = new ArrayList<>();
            for (String candidate : new TreeSet<>(variables.keySet())) {
                if (candidate.matches("GO_PACKAGE_.+_LABEL")) {
                    others.add(candidate.replaceFirst("GO_PACKAGE_(.+)_LABEL", "$1"));
                }
            }
            return new Failure("the job has no variable " + variable + ". Its package materials are: "
                    + (others.isEmpty() ? "none" : String.join(", ", others))
                    + ". Check that the pipeline has the package as a material, that Repo and Package of this task are the"
                    + " names that the repository and the package have in GoCD, and, where the material has a name of its own,"
                    + " that Repo is that name and Package is empty");
        }
    }

    /** As GoCD makes a name a variable's: what is no letter or digit becomes an underscore, then upper case. */
    static String variableName(String name) {
        return name.replaceAll("[^A-Za-z0-9_]", "_").toUpperCase(Locale.ROOT);
    }
}
