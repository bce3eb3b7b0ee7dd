package dev.marketsdk.test

import dev.marketsdk.ErrorCode
import dev.marketsdk.FieldError
import dev.marketsdk.MarketException
import dev.marketsdk.Method
import dev.marketsdk.RawRequest
import dev.marketsdk.RawResponse
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull

/** What the shop answers on routes that the SDK has no typed call for. */
internal class Routes {
    /** The latest first. */
    private val answers = mutableListOf<Pair<Route, RawResponse>>()

    fun answer(
        route: String,
        json: String,
        status: Int,
    ) {
        val (method, path) = route.split(' ').takeIf { it.size == 2 } ?: listOf("", "")
        require(path.startsWith("/") && Method.entries.any { it.name == method }) { "A route is written GET /products: $route" }
        require(status in 200..299 || status in 400..599) { "This status answers nothing: $status" }
        require(TYPED.none { Route(it).fits(method, path) }) { "$route has a call of its own, which this would not change: see fail" }
        answers.removeAll { it.first.text == route }
        answers.add(0, Route(route) to RawResponse(status, json))
    }

    fun answer(request: RawRequest): RawResponse {
        val found = answers.firstOrNull { (route) -> route.fits(request.method.name, request.path) }
        val answer = found?.second ?: throw error(ErrorCode.UNSUPPORTED, 404)
        if (answer.status < 300) return answer
        if (answer.status == 401 && request.withSession) throw Calls.SessionRefused()
        throw judged(answer)
    }

    /** As the real client judges such an answer. */
    private fun judged(answer: RawResponse): MarketException {
        val body = runCatching { Json.parseToJsonElement(answer.body) }.getOrNull() as? JsonObject
        val said = (text(body?.get("detail")) ?: text(body?.get("message")))?.trim()?.takeIf { it.isNotEmpty() }
        val status = answer.status
        val fields = (body?.get("detail") as? JsonArray)?.mapNotNull(::field).orEmpty()
        return when {
            status == 405 || status == 404 && said == "Not Found" -> error(ErrorCode.UNSUPPORTED, status)
            status == 401 -> error(ErrorCode.REJECTED, status)
            status == 404 || status == 410 -> error(ErrorCode.NOT_FOUND, status, said)
            status == 408 -> error(ErrorCode.TIMEOUT, status)
            status == 422 && fields.isNotEmpty() -> error(ErrorCode.INVALID_INPUT, status, fields = fields)
            status == 422 && said?.lowercase()?.contains("too many") == true ->
                error(ErrorCode.RATE_LIMITED, status, said, retryAfter = Branch.CODES_WINDOW)
            status == 422 -> error(ErrorCode.INVALID_INPUT, status, said)
            status == 429 -> error(ErrorCode.RATE_LIMITED, status, said)
            status < 500 -> error(ErrorCode.REJECTED, status, said)
            else -> error(ErrorCode.SERVER, status)
        }
    }

    private fun text(json: JsonElement?): String? = (json as? JsonPrimitive)?.takeIf { it.isString }?.contentOrNull

    /** The first of where it is says in which part of the request, which nobody shows. */
    private fun field(problem: JsonElement): FieldError? {
        val where = ((problem as? JsonObject)?.get("loc") as? JsonArray)?.map { (it as? JsonPrimitive)?.contentOrNull.orEmpty() }
        val path = where?.drop(1)?.ifEmpty { where } ?: return null
        return FieldError(path.joinToString("."), text(problem["msg"]).orEmpty())
    }

    /** `GET /products/{id}`, in which `{…}` stands for one part of the path. A closing slash makes no difference. */
    private class Route(val text: String) {
        private val parts = parts(text)

        fun fits(
            method: String,
            path: String,
        ): Boolean {
            val asked = parts("$method $path")
            val isSame = { part: String, of: String -> part == of || part.startsWith("{") && part.endsWith("}") }
            return asked.size == parts.size && parts.zip(asked).all { (part, of) -> isSame(part, of) }
        }

        private fun parts(route: String) = route.trimEnd('/').split('/')
    }

    private companion object {
        /** The routes of the typed calls. */
        val TYPED =
            listOf(
                "POST /auth/send-verification", "POST /auth/verify-code", "GET /auth/verify-token", "GET /auth/profile",
                "PUT /auth/profile", "GET /auth/markets", "POST /auth/logout", "GET /cart", "DELETE /cart", "POST /cart/items",
                "PUT /cart/items/{id}", "DELETE /cart/items/{id}", "GET /wishlist", "DELETE /wishlist", "POST /wishlist/items",
                "DELETE /wishlist/items/{id}", "POST /orders/create", "GET /orders", "GET /orders/{id}",
                "POST /profile/orders/{id}/cancel",
            )
    }
}
