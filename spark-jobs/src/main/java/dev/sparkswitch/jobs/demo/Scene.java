package dev.sparkswitch.jobs.demo;

import java.util.List;

/**
 * A made-up event: who did what to which thing, when and where. Plain words that a small vocabulary trained on
 * parliamentary English can spell.
 */
record Scene(String day, String name, Verb verb, String colour, String thing, String place) {
    /** What happened, and whether one is glad of it. */
    enum Verb {
        BOUGHT,
        FOUND,
        WON,
        RECEIVED,
        REPAIRED,
        SAVED,
        LOST,
        BROKE,
        BURNED,
        DAMAGED,
        DESTROYED,
        FORGOT;

        boolean goodNews() {
            return ordinal() < LOST.ordinal();
        }

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    private static final List<String> DAYS =
            List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");
    private static final List<String> NAMES = List.of(
            "Mary", "Peter", "John", "Paul", "Anna", "David", "Martin", "Michael", "Maria", "Robert", "Thomas", "Simon",
            "Helen", "Richard", "Daniel", "Laura");
    private static final List<String> COLOURS =
            List.of("red", "green", "blue", "white", "black", "brown", "grey", "yellow");
    private static final List<String> THINGS = List.of(
            "book", "table", "door", "chair", "card", "coat", "bag", "box", "picture", "clock", "lamp", "cup", "phone",
            "boat", "ring", "hat");
    private static final List<String> PLACES = List.of(
            "market", "school", "park", "garden", "station", "office", "street", "house", "church", "hotel", "port",
            "forest", "library", "kitchen", "museum", "factory");

    /** The number of scenes that there are. */
    static final int COMBINATIONS =
            DAYS.size() * NAMES.size() * Verb.values().length * COLOURS.size() * THINGS.size() * PLACES.size();

    /** The scene of a number from 0 to {@link #COMBINATIONS}, each scene having one. */
    static Scene of(int combination) {
        int rest = combination;
        String day = DAYS.get(rest % DAYS.size());
        rest /= DAYS.size();
        String name = NAMES.get(rest % NAMES.size());
        rest /= NAMES.size();
        Verb verb = Verb.values()[rest % Verb.values().length];
        rest /= Verb.values().length;
        String colour = COLOURS.get(rest % COLOURS.size());
        rest /= COLOURS.size();
        String thing = THINGS.get(rest % THINGS.size());
        rest /= THINGS.size();
        return new Scene(day, name, verb, colour, thing, PLACES.get(rest));
    }

    String text() {
        return "On " + day + " " + name + " " + verb + " a " + colour + " " + thing + " in the " + place + ".";
    }

    String summary() {
        return name + " " + verb + " a " + thing + ".";
    }
}
