package dev.sparkswitch.tokenizer;

import dev.sparkswitch.base.InternalException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * A trie over byte strings in two flat arrays (Aoe 1989): the child of cell {@code c} by byte {@code b} is cell {@code
 * base[c] ^ b}, and it is a child only if that cell carries the label {@code b}. Equal sub-tries are stored once, so
 * the structure is the minimal automaton of its keys.
 *
 * <p>{@link #dartsUnits()} gives the layout of the darts-clone library, which SentencePiece's normalizer maps directly.
 */
final class DoubleArrayTrie implements Serializable {
    private static final long serialVersionUID = 1L;
    static final int ROOT = 0;
    static final int NONE = -1;
    private static final short FREE = -1;

    private final int[] base;
    private final short[] label;
    /** Whether the cell's own string is a key; its value is {@code base[base[cell]]}. */
    private final BitSet terminal;

    private DoubleArrayTrie(int[] base, short[] label, BitSet terminal) {
        this.base = base;
        this.label = label;
        this.terminal = terminal;
    }

    /**
     * @param keys without the byte 0, in unsigned byte order ({@link Arrays#compareUnsigned(byte[], byte[])}), each once
     * @param values of the keys, 0 or more
     */
    static DoubleArrayTrie of(byte[][] keys, int[] values) {
        for (int i = 0; i < keys.length; i++) {
            if (keys[i].length == 0 || values[i] < 0) {
                throw new IllegalArgumentException("key " + i + " is empty or has the negative value " + values[i]);
            }
            if (i > 0 && Arrays.compareUnsigned(keys[i - 1], keys[i]) >= 0) {
                throw new IllegalArgumentException("key " + i + " is not in order");
            }
        }
        return new Builder(keys, values).build();
    }

    static DoubleArrayTrie of(SortedMap<byte[], Integer> entries) {
        return of(
                entries.keySet().toArray(new byte[0][]),
                entries.values().stream().mapToInt(Integer::intValue).toArray());
    }

    /** The cell reached from {@code cell} by {@code unsignedByte} (1 to 255), or {@link #NONE}. */
    int child(int cell, int unsignedByte) {
        int next = base[cell] ^ unsignedByte;
        return next < label.length && label[next] == unsignedByte ? next : NONE;
    }

    /** The value of the key that ends in {@code cell}, or {@link #NONE}. */
    int value(int cell) {
        return terminal.get(cell) ? base[base[cell]] : NONE;
    }

    /**
     * The trie as 32-bit little-endian units of darts-clone: bits 0 to 7 the label, bit 8 whether the cell is terminal,
     * bits 10 to 30 the offset (shifted by 8 if bit 9 is set); a value unit has bit 31 set.
     */
    byte[] dartsUnits() {
        ByteBuffer units = ByteBuffer.allocate(base.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int cell = 0; cell < base.length; cell++) {
            units.putInt(unit(cell));
        }
        return units.array();
    }

    private int unit(int cell) {
        if (label[cell] == FREE) {
            return 1 << 31;
        }
        if (label[cell] == 0 && cell != ROOT) {
            return base[cell] | 1 << 31;
        }
        int offset = cell ^ base[cell];
        int flags = label[cell] | (terminal.get(cell) ? 1 << 8 : 0);
        if (offset < 1 << 21) {
            return offset << 10 | flags;
        }
        if ((offset & 0xFF) == 0 && offset < 1 << 29) {
            return offset << 2 | 1 << 9 | flags;
        }
        throw new InternalException("a trie of " + base.length + " cells does not fit the layout of darts-clone");
    }

    /** A state of the minimal automaton; children are canonical, so identity is equality of sub-tries. */
    private static final class State {
        final byte[] labels;
        final State[] children;
        final int value;
        int base = NONE;

        State(byte[] labels, State[] children, int value) {
            this.labels = labels;
            this.children = children;
            this.value = value;
        }

        @Override
        public boolean equals(Object other) {
            if (!(other instanceof State state) || value != state.value || !Arrays.equals(labels, state.labels)) {
                return false;
            }
            for (int i = 0; i < children.length; i++) {
                if (children[i] != state.children[i]) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public int hashCode() {
            int hash = 31 * value + Arrays.hashCode(labels);
            for (State child : children) {
                hash = 31 * hash + System.identityHashCode(child);
            }
            return hash;
        }
    }

    private static final class Builder {
        private static final int BLOCK = 256;
        /** A search that looks at so many free cells costs one of them. */
        private static final int HOLES_TRIED = 32;

        private final byte[][] keys;
        private final int[] values;
        private final Map<State, State> canonical = new HashMap<>();
        /** Where every key has a value of its own, no two sub-tries are equal, and none need be compared. */
        private final boolean distinct;

        private int[] base = new int[BLOCK];
        private short[] label = new short[BLOCK];
        private final BitSet terminal = new BitSet();
        private final BitSet taken = new BitSet();
        private final BitSet basesTaken = new BitSet();
        private int searchFrom = 1;

        Builder(byte[][] keys, int[] values) {
            this.keys = keys;
            this.values = values;
            this.distinct = Arrays.stream(values).distinct().count() == values.length;
        }

        DoubleArrayTrie build() {
            Arrays.fill(label, FREE);
            State root = state(0, keys.length, 0);
            canonical.clear();
            label[ROOT] = 0;
            taken.set(ROOT);
            place(root, ROOT);
            return new DoubleArrayTrie(base, label, terminal);
        }

        private State state(int begin, int end, int depth) {
            int value = NONE;
            int from = begin;
            if (begin < end && keys[begin].length == depth) {
                value = values[begin];
                from++;
            }
            List<State> children = new ArrayList<>();
            byte[] labels = new byte[BLOCK];
            while (from < end) {
                byte next = keys[from][depth];
                if (next == 0) {
                    throw new IllegalArgumentException("a key holds the byte 0");
                }
                int to = from + 1;
                while (to < end && keys[to][depth] == next) {
                    to++;
                }
                labels[children.size()] = next;
                children.add(state(from, to, depth + 1));
                from = to;
            }
            State state = new State(Arrays.copyOf(labels, children.size()), children.toArray(new State[0]), value);
            if (distinct) {
                return state;
            }
            State known = canonical.putIfAbsent(state, state);
            return known == null ? state : known;
        }

        private void place(State state, int cell) {
            terminal.set(cell, state.value != NONE);
            if (state.base != NONE) {
                base[cell] = state.base;
                return;
            }
            if (state.labels.length == 0 && state.value == NONE) {
                return;
            }
            int chosen = freeBase(state);
            state.base = chosen;
            basesTaken.set(chosen);
            base[cell] = chosen;
            if (state.value != NONE) {
                occupy(chosen, 0);
                base[chosen] = state.value;
            }
            for (byte next : state.labels) {
                occupy(chosen ^ (next & 0xFF), next & 0xFF);
            }
            for (int i = 0; i < state.labels.length; i++) {
                place(state.children[i], chosen ^ (state.labels[i] & 0xFF));
            }
        }

        private void occupy(int cell, int with) {
            taken.set(cell);
            label[cell] = (short) with;
        }

        private int freeBase(State state) {
            int first = state.value != NONE ? 0 : state.labels[0] & 0xFF;
            int tried = 0;
            for (int cell = taken.nextClearBit(searchFrom); ; cell = taken.nextClearBit(cell + 1)) {
                reserve(cell);
                int candidate = cell ^ first;
                if (candidate != 0 && !basesTaken.get(candidate) && fits(state, candidate)) {
                    leaveHoles(tried / HOLES_TRIED);
                    return candidate;
                }
                tried++;
            }
        }

        /** Gives the first free cells up for lost: the search would go over them again and again. */
        private void leaveHoles(int count) {
            for (int i = 0; i < count; i++) {
                searchFrom = taken.nextClearBit(searchFrom) + 1;
            }
        }

        private boolean fits(State state, int candidate) {
            if (state.value != NONE && taken.get(candidate)) {
                return false;
            }
            for (byte next : state.labels) {
                if (taken.get(candidate ^ (next & 0xFF))) {
                    return false;
                }
            }
            return true;
        }

        /** Makes room up to the end of the block of {@code cell}: a base and its children lie in one block. */
        private void reserve(int cell) {
            int needed = (cell / BLOCK + 1) * BLOCK;
            if (needed > base.length) {
                int length = Math.max(needed, base.length + base.length / 2 / BLOCK * BLOCK);
                int before = label.length;
                base = Arrays.copyOf(base, length);
                label = Arrays.copyOf(label, length);
                Arrays.fill(label, before, length, FREE);
            }
        }
    }
}
