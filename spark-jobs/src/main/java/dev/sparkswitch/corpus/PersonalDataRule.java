package dev.sparkswitch.corpus;

import dev.sparkswitch.corpus.PrepareConfig.PersonalData;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts addresses and numbers that are reserved for documentation in the place of those of people: the text stays one, and
 * whoever learns from it learns nothing about them. Addresses of private networks tell nothing and stay. Drops nothing.
 */
record PersonalDataRule(Set<PersonalData> kinds) implements Rule {
    private static final Pattern MAIL = Pattern.compile(
            "(?<![\\w.+-])[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}+){0,8}"
                    + "@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.){1,8}[A-Za-z]{2,24}(?![\\w-])");
    private static final Pattern IP_4 = Pattern.compile(
            "(?<![\\w.])(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?![\\w]|\\.\\d)");
    private static final Pattern IP_6 = Pattern.compile("(?<![\\w:.])[0-9A-Fa-f:]{3,39}(?![\\w:]|\\.\\d)");
    private static final Pattern PHONE =
            Pattern.compile("(?<![\\w+])\\+\\d{1,3}(?:[ .\\-/]?\\(?\\d{1,5}\\)?){2,6}(?!\\w)"
                    + "|(?<![\\w.+-])(?:1[ .-])?(?:\\([2-9]\\d{2}\\) ?|[2-9]\\d{2}[ .-])\\d{3}[ .-]\\d{4}(?![\\w-])");

    PersonalDataRule {
        kinds = EnumSet.copyOf(kinds);
    }

    @Override
    public List<String> counters() {
        List<String> counters = new ArrayList<>(List.of("documents-masked"));
        for (PersonalData kind : kinds) {
            counters.add(counter(kind));
        }
        return counters;
    }

    private static String counter(PersonalData kind) {
        return "masked-" + kind.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String text = document.text();
        for (PersonalData kind : kinds) {
            text = switch (kind) {
                case MAIL ->
                    text.indexOf('@') < 0 ? text : masked(text, MAIL, kind, "email@example.com", all -> true, tally);
                case IP -> {
                    String four = text.indexOf('.') < 0
                            ? text
                            : masked(text, IP_4, kind, "192.0.2.1", PersonalDataRule::isPublic, tally);
                    yield four.indexOf(':') < 0
                            ? four
                            : masked(four, IP_6, kind, "2001:db8::1", PersonalDataRule::isAddress6, tally);
                }
                case PHONE -> masked(text, PHONE, kind, "555-0100", PersonalDataRule::isPhone, tally);
            };
        }
        if (text.equals(document.text())) {
            return Optional.of(document);
        }
        tally.count("documents-masked");
        return Optional.of(document.withText(text));
    }

    private static String masked(
            String text, Pattern pattern, PersonalData kind, String mask, Predicate<String> really, Tally tally) {
        Matcher matcher = pattern.matcher(text);
        StringBuilder masked = null;
        int done = 0;
        while (matcher.find()) {
            String found = matcher.group();
            if (!found.equals(mask) && really.test(found)) {
                masked = masked == null ? new StringBuilder(text.length()) : masked;
                masked.append(text, done, matcher.start()).append(mask);
                done = matcher.end();
                tally.count(counter(kind));
            }
        }
        return masked == null ? text : masked.append(text, done, text.length()).toString();
    }

    /** Whether an IPv4 address belongs to somebody (RFC 6890 lists those that do not). */
    private static boolean isPublic(String address) {
        String[] parts = address.split("\\.");
        int first = Integer.parseInt(parts[0]);
        int second = Integer.parseInt(parts[1]);
        int third = Integer.parseInt(parts[2]);
        boolean reserved = first == 0
                || first == 10
                || first == 127
                || first >= 224
                || first == 100 && second >= 64 && second < 128
                || first == 169 && second == 254
                || first == 172 && second >= 16 && second < 32
                || first == 192 && second == 168
                || first == 192 && second == 0 && (third == 0 || third == 2)
                || first == 198 && (second == 18 || second == 19 || second == 51 && third == 100)
                || first == 203 && second == 0 && third == 113;
        return !reserved;
    }

    /** Whether it is an IPv6 address (RFC 4291) of somebody, and not a time, a ratio or a name with two colons. */
    private static boolean isAddress6(String text) {
        int gap = text.indexOf("::");
        if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) {
            return false;
        }
        if (gap != 0 && text.startsWith(":") || gap != text.length() - 2 && text.endsWith(":")) {
            return false;
        }
        int groups = 0;
        boolean digit = false;
        for (String group : text.split(":")) {
            if (group.length() > 4) {
                return false;
            }
            groups += group.isEmpty() ? 0 : 1;
            digit |= group.chars().anyMatch(Character::isDigit);
        }
        String lower = text.toLowerCase(Locale.ROOT);
        boolean reserved = lower.equals("::1")
                || lower.startsWith("fe80:")
                || lower.startsWith("fc")
                || lower.startsWith("fd")
                || lower.startsWith("2001:db8:");
        return !reserved && digit && (gap >= 0 ? groups >= 2 && groups < 8 : groups == 8);
    }

    private static boolean isPhone(String text) {
        long digits = text.chars().filter(Character::isDigit).count();
        return digits >= 8 && digits <= 15;
    }
}
