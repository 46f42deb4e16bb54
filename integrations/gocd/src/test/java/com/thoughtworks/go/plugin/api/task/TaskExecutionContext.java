package com.thoughtworks.go.plugin.api.task;

/** Of GoCD's own, which its published API refers to and does not hold: what JobConsoleLogger calls. */
public interface TaskExecutionContext {
    Console console();
}
