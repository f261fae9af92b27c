package dev.sparkswitch.arrow;

import java.util.List;
import java.util.Locale;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** The columns of a shard, in their order; those from {@link #INPUT_SEGMENTS} on exist in packed shards alone. */
enum ShardColumn {
    ROW(Shape.ROW_ID),
    INPUTS(Shape.INPUT),
    TARGETS(Shape.TARGET),
    INPUT_TOKENS(Shape.COUNT),
    TARGET_TOKENS(Shape.COUNT),
    INPUT_SEGMENTS(Shape.INPUT),
    TARGET_SEGMENTS(Shape.TARGET),
    INPUT_POSITIONS(Shape.INPUT),
    TARGET_POSITIONS(Shape.TARGET);

    /** What a column holds for each row. */
    private enum Shape {
        /** An int64. */
        ROW_ID,
        /** An int32. */
        COUNT,
        /** An int32 for each input position. */
        INPUT,
        /** An int32 for each target position. */
        TARGET
    }

    private static final ArrowType INT32 = new ArrowType.Int(32, true);
    private static final ArrowType INT64 = new ArrowType.Int(64, true);

    private final Shape shape;

    ShardColumn(Shape shape) {
        this.shape = shape;
    }

    /** The name in the schema, such as {@code input_tokens}. */
    String column() {
        return name().toLowerCase(Locale.ROOT);
    }

    boolean isPackedOnly() {
        return compareTo(INPUT_SEGMENTS) >= 0;
    }

    boolean isList() {
        return shape == Shape.INPUT || shape == Shape.TARGET;
    }

    /** The bits of one value. */
    int bitWidth() {
        return shape == Shape.ROW_ID ? 64 : 32;
    }

    /** The values of one row. */
    int width(ShardLayout layout) {
        return switch (shape) {
            case ROW_ID, COUNT -> 1;
            case INPUT -> layout.inputLength();
            case TARGET -> layout.targetLength();
        };
    }

    Field field(ShardLayout layout) {
        if (!isList()) {
            return new Field(column(), FieldType.notNullable(shape == Shape.ROW_ID ? INT64 : INT32), null);
        }
        Field item = new Field("item", FieldType.notNullable(INT32), null);
        ArrowType list = new ArrowType.FixedSizeList(width(layout));
        return new Field(column(), FieldType.notNullable(list), List.of(item));
    }
}
