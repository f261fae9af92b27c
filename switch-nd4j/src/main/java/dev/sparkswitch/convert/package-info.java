/**
 * Models made of other models, tensor by tensor: sparse from dense and back, and into the layouts in which models are
 * stored. Nothing here holds a tensor in memory or knows of an engine.
 */
package dev.sparkswitch.convert;
