package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExpertPlacementTest {
    @Test
    void expertsLieInBlocksAlongTheCoordinate() {
        ExpertPlacement placement = new ExpertPlacement(8, 2, 4);
        assertThat(placement.localExperts()).isEqualTo(4);
        assertThat(List.of(0, 1, 2, 3)).extracting(placement::firstExpert).containsExactly(0, 4, 0, 4);
        assertThat(placement.exchangeGroup(2).ranks()).containsExactly(2, 3);
        assertThat(placement.exchangeGroup(1).ranks()).containsExactly(0, 1);
        assertThat(placement.replicaGroup(2).ranks()).containsExactly(0, 2);
        assertThat(placement.replicaGroup(1).ranks()).containsExactly(1, 3);
    }

    @Test
    void everyCopyHoldsEveryExpertOnceAndGroupsCross() {
        for (int world : new int[] {1, 2, 3, 4, 6, 8, 12}) {
            for (int parallel = 1; parallel <= world; parallel++) {
                if (world % parallel != 0) {
                    continue;
                }
                ExpertPlacement placement = new ExpertPlacement(24 * parallel, parallel, world);
                for (int rank = 0; rank < world; rank++) {
                    List<Integer> held = new ArrayList<>();
                    for (int other : placement.exchangeGroup(rank).ranks()) {
                        for (int e = 0; e < placement.localExperts(); e++) {
                            held.add(placement.firstExpert(other) + e);
                        }
                    }
                    assertThat(held).isSorted().doesNotHaveDuplicates().hasSize(24 * parallel);
                    List<Integer> both =
                            new ArrayList<>(placement.exchangeGroup(rank).ranks());
                    both.retainAll(placement.replicaGroup(rank).ranks());
                    assertThat(both).isEqualTo(Collections.singletonList(rank));
                    assertThat(placement.replicaGroup(rank).ranks())
                            .hasSize(world / parallel)
                            .allMatch(other -> placement.firstExpert(other) == placement.firstExpert(rank(both)));
                }
            }
        }
    }

    private static int rank(List<Integer> single) {
        return single.get(0);
    }

    @Test
    void oneRankHoldsAll() {
        ExpertPlacement placement = ExpertPlacement.single(5);
        assertThat(placement.localExperts()).isEqualTo(5);
        assertThat(placement.firstExpert(0)).isZero();
        assertThat(placement.exchangeGroup(0).ranks()).containsExactly(0);
    }

    @Test
    void whatDoesNotDivideIsRefused() {
        assertThatThrownBy(() -> new ExpertPlacement(8, 3, 4))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("expert-parallel 3")
                .hasMessageContaining("4 ranks");
        assertThatThrownBy(() -> new ExpertPlacement(7, 2, 4))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("7 experts")
                .hasMessageContaining("2 ranks");
        assertThatThrownBy(() -> new ExpertPlacement(8, 0, 4)).isInstanceOf(UserException.class);
    }
}
