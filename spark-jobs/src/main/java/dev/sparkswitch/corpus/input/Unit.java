package dev.sparkswitch.corpus.input;

import java.io.Serializable;
import java.util.List;

/** What one task reads, in order. */
public record Unit(List<Piece> pieces) implements Serializable {
    public Unit {
        pieces = List.copyOf(pieces);
    }
}
