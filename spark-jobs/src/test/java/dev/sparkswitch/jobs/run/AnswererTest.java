package dev.sparkswitch.jobs.run;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class AnswererTest {
    @Property
    void aBucketHoldsItsTextsAndIsAtMostHalfAgainAsLong(@ForAll @IntRange(min = 17, max = 100_000) int length) {
        int bucket = Answerer.bucket(length);
        assertThat(bucket).isBetween(length, length * 3 / 2);
        assertThat(Answerer.bucket(bucket)).isEqualTo(bucket);
    }
}
