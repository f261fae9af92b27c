package dev.sparkswitch.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import java.text.Normalizer;
import java.util.List;
import org.junit.jupiter.api.Test;

class NmtNfkcTest {
    private static final CharacterMap MAP = NmtNfkc.characterMap();

    @Test
    void composesDecomposedLetters() {
        assertThat(MAP.apply("Cafe\u0301 A\u030A o\u0302\u0301 \u1100\u1161\u11A8"))
                .isEqualTo("Caf\u00E9 \u00C5 \u1ED1 \uAC01");
    }

    @Test
    void replacesCompatibilityCharacters() {
        assertThat(MAP.apply("ﬁ ① Ｆ ½ … ㌀ ™")).isEqualTo("fi 1 F 1\u20442 ... アパート TM");
    }

    @Test
    void makesEveryWhiteSpaceABlank() {
        assertThat(MAP.apply("a\tb\nc\u00A0d\u2003e\u200Bf\uFEFFg\u2581h\uFFFDi"))
                .isEqualTo("a b c d e f g h i");
    }

    @Test
    void removesControlCharacters() {
        assertThat(MAP.apply("a\u0001b\u001Fc\u007Fd\u009Fe")).isEqualTo("abcde");
    }

    @Test
    void leavesTheFullWidthTilde() {
        assertThat(MAP.apply("\uFF5E")).isEqualTo("\uFF5E");
    }

    @Test
    void isNfkcForEveryCharacterThatItHasNoRuleOfItsOwnFor() {
        for (int character = 0xA0; character < 0x3000; character++) {
            String text = Character.toString(character);
            String mapped = MAP.apply(text);
            if (!mapped.equals(" ")) {
                assertThat(mapped).as("U+%04X", character).isEqualTo(Normalizer.normalize(text, Normalizer.Form.NFKC));
            }
        }
    }

    @Test
    void wordsCarryTheMarkOfTheirBlank() {
        TextNormalizer normalizer = new TextNormalizer(MAP, List.of());
        assertThat(normalizer.followedWords("  Hello \t world\u00A0! ")).containsExactly("▁Hello▁", "▁world▁", "▁!\0");
        assertThat(normalizer.followedWords("a b \n\n c")).containsExactly("▁a▁", "▁b\0", "▁c\0");
        assertThat(normalizer.followedWords(" \n ")).isEmpty();
    }

    @Test
    void userSymbolsStandApart() {
        TextNormalizer normalizer = new TextNormalizer(MAP, List.of("<a>", "<a>b"));
        assertThat(normalizer.followedWords("x<a>y <a>bz <a>")).containsExactly("▁x\t", "y▁", "▁\t", "z▁", "▁\t");
    }

    @Test
    void refusesUserSymbolsThatNormalizationChanges() {
        assertThatThrownBy(() -> new TextNormalizer(MAP, List.of("ﬁ")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("user symbol 'ﬁ'");
    }
}
