package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class DoubleArrayTrieTest {
    @Property(tries = 200)
    void holdsExactlyItsKeys(
            @ForAll @Size(max = 200) Map<@NotEmpty @StringLength(max = 6) String, @IntRange(max = 9) Integer> entries,
            @ForAll @Size(max = 50) Map<@NotEmpty @StringLength(max = 3) String, Integer> others) {
        TreeMap<byte[], Integer> keys = new TreeMap<>(Arrays::compareUnsigned);
        entries.forEach((key, value) -> {
            if (key.indexOf('\0') < 0) {
                keys.put(key.getBytes(StandardCharsets.UTF_8), value);
            }
        });
        DoubleArrayTrie trie = DoubleArrayTrie.of(keys);
        IntBuffer units = ByteBuffer.wrap(trie.dartsUnits())
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer();
        keys.forEach((key, value) -> {
            assertThat(find(trie, key)).isEqualTo(value);
            assertThat(findInUnits(units, key)).isEqualTo(value);
        });
        others.keySet().forEach(other -> {
            byte[] key = other.getBytes(StandardCharsets.UTF_8);
            if (!keys.containsKey(key) && other.indexOf('\0') < 0) {
                assertThat(find(trie, key)).isEqualTo(DoubleArrayTrie.NONE);
                assertThat(findInUnits(units, key)).isEqualTo(DoubleArrayTrie.NONE);
            }
        });
    }

    @Test
    void refusesKeysThatItCannotHold() {
        TreeMap<byte[], Integer> zero = new TreeMap<>(Arrays::compareUnsigned);
        zero.put(new byte[] {1, 0}, 1);
        assertThatThrownBy(() -> DoubleArrayTrie.of(zero)).hasMessageContaining("byte 0");
        TreeMap<byte[], Integer> empty = new TreeMap<>(Arrays::compareUnsigned);
        empty.put(new byte[0], 1);
        assertThatThrownBy(() -> DoubleArrayTrie.of(empty)).hasMessageContaining("empty");
    }

    private static int find(DoubleArrayTrie trie, byte[] key) {
        int cell = DoubleArrayTrie.ROOT;
        for (byte next : key) {
            cell = trie.child(cell, next & 0xFF);
            if (cell == DoubleArrayTrie.NONE) {
                return DoubleArrayTrie.NONE;
            }
        }
        return trie.value(cell);
    }

    /** The look-up of darts-clone, written after its layout. */
    private static int findInUnits(IntBuffer units, byte[] key) {
        int position = 0;
        int unit = units.get(0);
        for (byte next : key) {
            position ^= offset(unit) ^ (next & 0xFF);
            if (position >= units.limit()) {
                return DoubleArrayTrie.NONE;
            }
            unit = units.get(position);
            if ((unit & (1 << 31 | 0xFF)) != (next & 0xFF)) {
                return DoubleArrayTrie.NONE;
            }
        }
        boolean terminal = (unit >>> 8 & 1) == 1;
        return terminal ? units.get(position ^ offset(unit)) & Integer.MAX_VALUE : DoubleArrayTrie.NONE;
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >>> 6);
    }
}
