package io.trackback.gocd;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** The machine this runs on, GoCD's server or an agent: messages name it, as they are read elsewhere. */
final class Machine {
    private Machine() {
    }

    static String name() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "this machine";
        }
    }
}
