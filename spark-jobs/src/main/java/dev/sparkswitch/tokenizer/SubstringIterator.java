package dev.sparkswitch.tokenizer;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import scala.Tuple2;

/** The substrings of a sequence of counted words, each with its word's count; holds those of one word at a time. */
final class SubstringIterator implements Iterator<Tuple2<String, Long>> {
    private final Iterator<Tuple2<String, Long>> words;
    private final PieceRules rules;
    private final ArrayDeque<String> pending = new ArrayDeque<>();
    private long count;

    SubstringIterator(Iterator<Tuple2<String, Long>> words, PieceRules rules) {
        this.words = words;
        this.rules = rules;
    }

    @Override
    public boolean hasNext() {
        while (pending.isEmpty() && words.hasNext()) {
            Tuple2<String, Long> word = words.next();
            count = word._2();
            rules.forEachSubstring(word._1(), pending::add);
        }
        return !pending.isEmpty();
    }

    @Override
    public Tuple2<String, Long> next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no substring is left");
        }
        return new Tuple2<>(pending.poll(), count);
    }
}
