package io.trackback.gocd;

import java.util.Locale;

/** Numbers of bytes and files as a person reads them. */
final class Bytes {
    private static final String[] UNITS = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};

    private Bytes() {
    }

    static String shown(long bytes) {
        double amount = bytes;
        int unit = 0;
        while (amount >= 999.5 && unit < UNITS.length - 1) {
            amount /= 1000;
            unit++;
        }
        String digits = unit == 0 || amount >= 99.95 ? "%.0f" : "%.1f";
        return String.format(Locale.ROOT, digits, amount) + " " + UNITS[unit];
    }

    static String files(int count) {
        return count == 1 ? "1 file" : String.format(Locale.ROOT, "%,d files", count);
    }
}
