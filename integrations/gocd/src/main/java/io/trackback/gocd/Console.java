package io.trackback.gocd;

import com.thoughtworks.go.plugin.api.logging.Logger;
import com.thoughtworks.go.plugin.api.task.JobConsoleLogger;

/** Where a job's output is read. A line that can't be printed is no reason for a job to fail. */
interface Console {
    void print(String line);

    void printError(String line);

    /** That of a task: GoCD gives it to whoever runs in the job's thread. */
    static Console ofTask(Logger log) {
        return new Console() {
            @Override
            public void print(String line) {
                try {
                    JobConsoleLogger.getConsoleLogger().printLine("[trackback] " + line);
                } catch (RuntimeException noJobHere) {
                    log.info(line);
                }
            }

            @Override
            public void printError(String line) {
                print(line);
            }
        };
    }

    /** That of a job whose artifacts are published or fetched: a task's is not there then, GoCD takes lines by a request. */
    static Console ofArtifact(Gocd gocd, Logger log) {
        return new Console() {
            @Override
            public void print(String line) {
                send("INFO", line);
            }

            @Override
            public void printError(String line) {
                send("ERROR", line);
            }

            private void send(String level, String line) {
                try {
                    gocd.printForArtifact(level, line);
                } catch (Failure e) {
                    log.info(line + " (not in the job's console: " + e.getMessage() + ")");
                }
            }
        };
    }
}
