package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.task.JobConsoleLogger;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The console of a job, given to tasks as GoCD's agent gives it: for as long as one runs. */
final class JobConsole extends JobConsoleLogger implements AutoCloseable {
    final List<String> lines = new CopyOnWriteArrayList<>();

    JobConsole() {
        context = () -> lines::add;
    }

    String text() {
        return String.join("\n", lines);
    }

    @Override
    public void close() {
        context = null;
    }
}
