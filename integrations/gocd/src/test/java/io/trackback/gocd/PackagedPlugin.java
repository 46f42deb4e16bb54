package io.trackback.gocd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.thoughtworks.go.plugin.api.GoPlugin;
import com.thoughtworks.go.plugin.api.annotation.Extension;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.w3c.dom.NodeList;

/** The JAR, loaded as a plugin is: apart from everything but Java itself and the plugin API. */
class PackagedPlugin {
    private URLClassLoader plugin;

    /** Gives the API that the host has loaded, and nothing else of the host's. */
    private static final class Host extends ClassLoader {
        Host() {
            super(ClassLoader.getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (name.startsWith("com.thoughtworks.go.plugin.api.")) {
                return PackagedPlugin.class.getClassLoader().loadClass(name);
            }
            throw new ClassNotFoundException(name);
        }
    }

    @BeforeEach
    void load() throws Exception {
        URL jar = Path.of(System.getProperty("trackback.jar")).toUri().toURL();
        plugin = new URLClassLoader(new URL[] {jar}, new Host());
    }

    @AfterEach
    void unload() throws Exception {
        plugin.close();
    }

    /** Those that the bundle declares, made as GoCD makes them. */
    private Map<String, CalledExtension> extensions() throws Exception {
        Map<String, CalledExtension> extensions = new TreeMap<>();
        for (String name : declared()) {
            Class<?> declared = plugin.loadClass(name);
            assertSame(plugin, declared.getClassLoader());
            assertTrue(declared.isAnnotationPresent(Extension.class), name);
            GoPlugin made = (GoPlugin) declared.getConstructor().newInstance();
            made.initializeGoApplicationAccessor(new FakeGocd());
            String key = made.pluginIdentifier().getExtension() + " " + made.pluginIdentifier().getSupportedExtensionVersions();
            extensions.put(key, new CalledExtension(made));
        }
        return extensions;
    }

    private static void assertSame(ClassLoader expected, ClassLoader found) {
        assertEquals(expected, found);
        assertNotSame(PackagedPlugin.class.getClassLoader(), found);
    }

    private List<String> declared() throws Exception {
        try (InputStream bundle = plugin.getResourceAsStream("gocd-bundle.xml")) {
            NodeList elements =
                    DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(bundle).getElementsByTagName("extension");
            List<String> names = new ArrayList<>();
            for (int i = 0; i < elements.getLength(); i++) {
                names.add(elements.item(i).getAttributes().getNamedItem("class").getNodeValue());
            }
            return names;
        }
    }

    /** GoCD's own schema, which its plugin API holds. */
    @Test
    void itsDescriptionIsAsGocdWantsIt() throws Exception {
        URL schema = Objects.requireNonNull(GoPlugin.class.getResource("/gocd-bundle-descriptor.xsd"));
        try (InputStream bundle = plugin.getResourceAsStream("gocd-bundle.xml")) {
            SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI)
                    .newSchema(schema)
                    .newValidator()
                    .validate(new StreamSource(bundle));
        }
    }

    @Test
    void itHasOneExtensionForEachOfGocdsPoints() throws Exception {
        assertEquals(
                Set.of("artifact [2.0]", "notification [4.0]", "package-repository [1.0]", "task [1.0]"),
                extensions().keySet());
    }

    @Test
    void itAnswersFromItsOwnFiles() throws Exception {
        Map<String, CalledExtension> extensions = extensions();
        assertTrue(extensions.get("package-repository [1.0]").ask("repository-configuration").object().containsKey("TRACKBACK_URL"));
        assertTrue(extensions.get("task [1.0]").ask("view").object().containsKey("template"));
        assertEquals(
                Map.of("notifications", List.of("stage-status")),
                extensions.get("notification [4.0]").ask("notifications-interested-in").object());
        assertEquals(Map.of(), extensions.get("artifact [2.0]").ask("cd.go.artifact.get-capabilities").object());
    }

    @Test
    void itReachesAServer() throws Exception {
        try (StandIn server = StandIn.answering(200, "{}")) {
            String body = "{\"repository-configuration\":{\"TRACKBACK_URL\":{\"value\":\"" + server.url() + "\"}}}";
            assertEquals(
                    Map.of(), extensions().get("package-repository [1.0]").ask("latest-revision-since", body).object());
            assertEquals(PluginVersion.TEXT, server.seen.get(0).headers().get("X-Trackback-Plugin"));
            assertTrue(PluginVersion.TEXT.matches("\\d+\\.\\d+\\.\\d+"), PluginVersion.TEXT);
        }
    }
}
