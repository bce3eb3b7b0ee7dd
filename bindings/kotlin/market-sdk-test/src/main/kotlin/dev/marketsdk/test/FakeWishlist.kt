package dev.marketsdk.test

import dev.marketsdk.Wishlist
import dev.marketsdk.WishlistApi

internal class FakeWishlist(private val calls: Calls) : WishlistApi {
    override suspend fun get(): Wishlist {
        calls.note("wishlist.get")
        return calls.withSession("wishlist.get") { it.session.branch.wishlist(it.session.user) }
    }

    override suspend fun add(productId: Long): Wishlist {
        calls.note("wishlist.add", productId)
        numbered("product_id", productId)
        return calls.withSession("wishlist.add") { it.session.branch.wish(it.session.user, productId) }
    }

    override suspend fun remove(productId: Long): Wishlist {
        calls.note("wishlist.remove", productId)
        numbered("product_id", productId)
        return calls.withSession("wishlist.remove") { it.session.branch.unwish(it.session.user, productId) }
    }

    override suspend fun clear(): Wishlist {
        calls.note("wishlist.clear")
        return calls.withSession("wishlist.clear") { it.session.branch.clearWishlist(it.session.user) }
    }
}
