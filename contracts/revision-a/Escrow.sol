// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EscrowRules} from "../shared/EscrowRules.sol";

/// @title Escrow, revision A: the creation event does not name the arbiter.
contract Escrow is EscrowRules {
    event EscrowCreated(
        address indexed payer,
        address indexed payee,
        uint256 amount,
        uint256 releaseTime,
        uint8 approvalsRequired
    );

    constructor(
        address payer_,
        address payee_,
        uint256 releaseDelay,
        uint8 approvalsRequired_,
        address arbiter_
    ) payable EscrowRules(payer_, payee_, releaseDelay, approvalsRequired_, arbiter_) {
        emit EscrowCreated(payer_, payee_, msg.value, releaseTime, approvalsRequired_);
    }
}
