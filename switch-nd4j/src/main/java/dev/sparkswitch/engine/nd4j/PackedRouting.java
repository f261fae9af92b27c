package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;

/**
 * A routing with the empty slots of all experts behind the taken ones, which are numbered over all experts, each expert's
 * behind those of the one before. There are as many as tokens can have, whatever was chosen: memory is reused by size.
 *
 * @param routing the same choices, with tokenOfSlot and gateOfSlot [slots] and slotsOfToken by the new numbers; the other
 *     tensors are those of the original
 * @param firstSlots the first slot of each expert, and behind the last one the number of taken slots [E + 1]
 */
record PackedRouting(Routing routing, int[] firstSlots) implements AutoCloseable {
    static PackedRouting of(HostMemory memory, Routing routing) {
        int experts = routing.experts();
        int wide = routing.plan().slots();
        int[] tokenOfSlot = integers(routing.tokenOfSlot());
        int[] firstSlots = new int[experts + 1];
        int[] packedOfSlot = new int[experts * wide];
        int count = 0;
        for (int slot = 0; slot < tokenOfSlot.length; slot++) {
            if (slot % wide == 0) {
                firstSlots[slot / wide] = count;
            }
            packedOfSlot[slot] = tokenOfSlot[slot] < 0 ? -1 : count++;
        }
        firstSlots[experts] = count;

        HostTensor gateOfSlot = (HostTensor) routing.gateOfSlot();
        int slots = (int) Math.min(tokenOfSlot.length, routing.slotsOfToken().size());
        HostTensor tokens = HostTensor.owner(memory, DType.INT32, slots);
        HostTensor gates = HostTensor.owner(memory, gateOfSlot.type(), slots);
        IntBuffer tokensOut = tokens.ints();
        for (int slot = count; slot < slots; slot++) {
            tokensOut.put(slot, -1);
        }
        ByteBuffer gatesIn = gateOfSlot.bytes();
        ByteBuffer gatesOut = gates.bytes();
        int width = gateOfSlot.type().bytes();
        for (int slot = 0; slot < tokenOfSlot.length; slot++) {
            int packed = packedOfSlot[slot];
            if (packed >= 0) {
                tokensOut.put(packed, tokenOfSlot[slot]);
                gatesOut.put(packed * width, gatesIn, slot * width, width);
            }
        }
        int[] slotsOfToken = integers(routing.slotsOfToken());
        for (int i = 0; i < slotsOfToken.length; i++) {
            slotsOfToken[i] = slotsOfToken[i] < 0 ? -1 : packedOfSlot[slotsOfToken[i]];
        }
        HostTensor packedSlotsOfToken =
                HostTensor.owner(memory, DType.INT32, routing.slotsOfToken().shape());
        packedSlotsOfToken.ints().put(0, slotsOfToken);
        Routing packed = new Routing(
                routing.plan(),
                routing.probabilities(),
                routing.logSumExp(),
                tokens,
                gates,
                packedSlotsOfToken,
                routing.firstChoice(),
                routing.demand(),
                routing.statistics());
        return new PackedRouting(packed, firstSlots);
    }

    private static int[] integers(Tensor tensor) {
        int[] values = new int[(int) tensor.size()];
        ((HostTensor) tensor).ints().get(0, values);
        return values;
    }

    /** All slots, empty ones too. */
    int slots() {
        return (int) routing.tokenOfSlot().size();
    }

    /** Closes what packing made; the rest stays the original's. */
    @Override
    public void close() {
        routing.tokenOfSlot().close();
        routing.gateOfSlot().close();
        routing.slotsOfToken().close();
    }
}
